// Writes completion records, one at a time. A record's interrupt waits until the bus has confirmed it; its index does not, because the driver
// may see the record in memory, and acknowledge it, before the confirmation is here.
module ls_record #(
    parameter int unsigned DataWidth = 128
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,
    input logic [63:0] base_i,  // of the completion ring
    input logic [3:0] log2_i,
    input logic [15:0] index_i,  // producer index
    input logic [15:0] consumer_i,  // consumer index of the submission ring
    input logic ending_valid_i,
    output logic ending_ready_o,
    input ls_cmd_pkg::ending_t ending_i,
    output logic advance_o,  // a record is on its way
    output logic interrupt_o,  // it asked for an interrupt
    output logic error_o,  // for one cycle: a record could not be written
    output logic req_valid_o,
    input logic req_ready_i,
    output logic [63:0] req_addr_o,
    output logic [31:0] req_bytes_o,
    output logic data_valid_o,
    input logic data_ready_i,
    output logic [DataWidth-1:0] data_o,
    input logic done_i,
    input logic done_error_i
);
  import lockstep_pkg::*;

  typedef enum logic [1:0] {
    Idle,
    Request,
    Send,
    Wait
  } state_e;

  localparam int unsigned Bits = CompletionBytes * 8;
  localparam int unsigned Beats = (Bits + DataWidth - 1) / DataWidth;
  localparam int unsigned BeatWidth = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int unsigned Padded = Beats * DataWidth;

  state_e state_q;
  logic [BeatWidth-1:0] beat_q;
  completion_t record;
  logic [Padded-1:0] padded;
  logic [15:0] mask, slot;

  assign mask = (16'd1 << log2_i) - 16'd1;
  always_comb begin
    record                            = '0;
    record.address                    = ending_i.address;
    record.cycles                     = 64'(ending_i.cycles);
    record.array_busy                 = ending_i.array_busy;
    record.detail                     = 32'(ending_i.detail);
    record.consumer                   = consumer_i;
    record.tag                        = ending_i.tag;
    record.status                     = ending_i.status;
    record.flags[CompletionFlagPhase] = !index_i[log2_i];
  end
  logic [Bits-1:0] record_q;
  assign padded         = Padded'(record_q);
  assign data_o         = padded[32'(beat_q)*DataWidth+:DataWidth];
  assign data_valid_o   = state_q == Send;
  assign req_valid_o    = state_q == Request;
  assign slot           = index_i & mask;
  assign req_addr_o     = base_i + (64'(slot) << $clog2(CompletionBytes));
  assign req_bytes_o    = CompletionBytes;

  assign ending_ready_o = state_q == Wait && done_i && !done_error_i;
  assign advance_o      = req_valid_o && req_ready_i;
  assign interrupt_o    = ending_ready_o && ending_i.notify;
  assign error_o        = state_q == Wait && done_i && done_error_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      beat_q   <= '0;
      record_q <= '0;
    end else if (clear_i) begin
      state_q <= Idle;
      beat_q  <= '0;
    end else begin
      unique case (state_q)
        Idle: begin
          if (ending_valid_i) state_q <= Request;
          record_q <= record;
        end
        Request: if (req_ready_i) state_q <= Send;
        Send: begin
          if (data_ready_i) begin
            beat_q <= beat_q + 1'b1;
            if (32'(beat_q) == Beats - 1) begin
              beat_q  <= '0;
              state_q <= Wait;
            end
          end
        end
        Wait: if (done_i) state_q <= Idle;
      endcase
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      // An answer comes only while one is awaited.
      a_awaited :
      assert (!done_i || state_q == Wait)
      else $error("answer out of turn");
    end
  end
`endif
endmodule
