// A read port: an AXI4 master that several users share in turn, and the address of each user's
// first failed transfer.
module ls_read_port
  import ls_bus_pkg::*;
#(
    parameter int unsigned Count       = 3,    // at least 2
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned MaxBeats    = 64,
    parameter int unsigned Outstanding = 8
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          drain,
    output logic                          idle_o,
    input  request_t      [    Count-1:0] req_i,
    output logic          [    Count-1:0] req_ready_o,
    output beat_t         [    Count-1:0] beat_o,
    input  logic          [    Count-1:0] beat_ready_i,
    output logic          [DataWidth-1:0] data_o,         // common to all users
    input  logic          [    Count-1:0] fault_clear_i,
    output fault_t        [    Count-1:0] fault_o,
    output bus_error_t                    error_o,
    output axi_read_out_t                 axi_o,
    input  axi_read_in_t                  axi_i,
    input  logic          [DataWidth-1:0] axi_rdata_i
);
  localparam int unsigned IdWidth = $clog2(Count);

  request_t req;
  beat_t beat;
  logic any, req_ready;
  logic [Count-1:0] asks;
  logic [IdWidth-1:0] req_id, beat_id, error_id;

  for (genvar i = 0; i < Count; i++) begin : gen_user
    assign asks[i] = req_i[i].valid;
    assign req_ready_o[i] = req.valid && req_ready && req_id == IdWidth'(i);
    assign beat_o[i] = '{
            valid: beat.valid && beat_id == IdWidth'(i),
            last: beat.last,
            error: beat.error
        };
  end

  ls_arbiter #(
      .Count(Count)
  ) u_arbiter (
      .*,
      .clear_i  (drain),
      .request_i(asks),
      .valid_o  (any),
      .ready_i  (req_ready),
      .index_o  (req_id)
  );
  always_comb begin
    req = req_i[req_id];
    req.valid = any;
  end

  ls_axi_read #(
      .DataWidth  (DataWidth),
      .IdWidth    (IdWidth),
      .MaxBeats   (MaxBeats),
      .Outstanding(Outstanding)
  ) u_master (
      .*,
      .req_i       (req),
      .req_ready_o (req_ready),
      .req_id_i    (req_id),
      .beat_o      (beat),
      .beat_ready_i(beat_ready_i[beat_id]),
      .beat_id_o   (beat_id),
      .error_id_o  (error_id)
  );

  ls_first_fault #(
      .Count(Count)
  ) u_faults (
      .*,
      .clear_i   (fault_clear_i),
      .error_i   (error_o),
      .error_id_i(error_id)
  );
endmodule
