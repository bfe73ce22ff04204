// Writes completion records, one at a time. The interrupt of a record waits until the bus has
// confirmed the write. The ring's index does not wait: the driver may see the record in memory, and
// acknowledge it, before the confirmation arrives.
module ls_record
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 128
) (
    input logic clk_i,
    input logic rst_ni,
    input logic drain,
    input logic [3:0] ring_log2,
    input ring_t submit,
    input ring_t complete,
    input logic ending_valid,
    output logic ending_ready,
    input ending_t ending,
    output logic recorded_o,  // for one cycle: a record is on its way
    output logic notify_o,  // it is in memory and asked for an interrupt
    output logic record_error_o,  // for one cycle: a write failed
    output request_t record_req,
    input logic record_req_ready,
    output logic record_valid,
    output logic [DataWidth-1:0] record_data,
    input logic record_ready,
    input answer_t record_done
);
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

  assign mask = (16'd1 << ring_log2) - 16'd1;
  always_comb begin
    record                            = '0;
    record.address                    = ending.address;
    record.cycles                     = 64'(ending.cycles);
    record.array_busy                 = ending.array_busy;
    record.detail                     = 32'(ending.detail);
    record.consumer                   = submit.consumer;
    record.tag                        = ending.tag;
    record.status                     = ending.status;
    record.flags[CompletionFlagPhase] = !complete.producer[ring_log2];
  end
  logic [Bits-1:0] record_q;
  assign padded = Padded'(record_q);
  assign record_data = padded[32'(beat_q)*DataWidth+:DataWidth];
  assign record_valid = state_q == Send;
  assign slot = complete.producer & mask;
  assign record_req = '{
          valid: state_q == Request,
          addr: complete.base + (64'(slot) << $clog2(CompletionBytes)),
          bytes: CompletionBytes
      };

  assign ending_ready = state_q == Wait && record_done.valid && !record_done.error;
  assign recorded_o = record_req.valid && record_req_ready;
  assign notify_o = ending_ready && ending.notify;
  assign record_error_o = state_q == Wait && record_done.valid && record_done.error;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      beat_q   <= '0;
      record_q <= '0;
    end else if (drain) begin
      state_q <= Idle;
      beat_q  <= '0;
    end else begin
      unique case (state_q)
        Idle: begin
          if (ending_valid) state_q <= Request;
          record_q <= record;
        end
        Request: if (record_req_ready) state_q <= Send;
        Send: begin
          if (record_ready) begin
            beat_q <= beat_q + 1'b1;
            if (32'(beat_q) == Beats - 1) begin
              beat_q  <= '0;
              state_q <= Wait;
            end
          end
        end
        Wait: if (record_done.valid) state_q <= Idle;
      endcase
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !drain) begin
      // An answer comes only while one is awaited.
      a_awaited :
      assert (!record_done.valid || state_q == Wait)
      else $error("answer out of turn");
    end
  end
`endif
endmodule
