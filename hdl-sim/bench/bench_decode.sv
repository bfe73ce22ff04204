// The judge of descriptors with a clock, which benches need.
module bench_decode #(
    parameter int unsigned ArraySize = 8,
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax
) (
    input  logic                             clk_i,
    input  lockstep_pkg::descriptor_t        descriptor_i,
    input  logic                             error_i,
    input  logic                      [63:0] address_i,
    output ls_cmd_pkg::command_t             command_o
);
  ls_decode #(
      .ArraySize(ArraySize),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden)
  ) u_decode (
      .descriptor_i,
      .error_i,
      .address_i,
      .command_o
  );
  logic unused;
  assign unused = clk_i;
endmodule
