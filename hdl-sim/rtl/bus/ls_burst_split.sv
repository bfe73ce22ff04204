// Splits a request of any length into bursts of whole beats. No burst crosses a 4 KiB boundary or
// has more than MaxBeats beats. Bursts come from registers, the first one two cycles after its
// request.
module ls_burst_split
  import ls_bus_pkg::*;
#(
    parameter int unsigned DataWidth = 128,  // bits of a beat, a power of two, 32 to 1024
    parameter int unsigned MaxBeats  = 64    // 1 to 256
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         clear_i,        // drops the request and its bursts
    input  request_t     req_i,          // any address, at least 1 byte
    output logic         req_ready_o,
    output axi_address_t burst_o,        // the address is a multiple of a beat
    input  logic         burst_ready_i,
    output logic         burst_last_o    // the last burst of its request
);
  localparam int unsigned Bytes = DataWidth / 8;
  localparam int unsigned Shift = $clog2(Bytes);
  localparam int unsigned PageBeats = 4096 / Bytes;

  logic busy_q;  // the next burst is not yet offered
  logic valid_q;
  addr_t burst_addr_q;
  logic [7:0] burst_len_q;
  addr_t addr_q;
  logic [31:0] left_q;  // beats
  logic [31:0] to_page, beats;
  logic [32:0] span;
  logic offer;

  assign to_page = PageBeats - 32'(addr_q[11:Shift]);
  always_comb begin
    beats = left_q;
    if (beats > MaxBeats) beats = MaxBeats;
    if (beats > to_page) beats = to_page;
  end

  assign burst_o = '{valid: valid_q, addr: burst_addr_q, len: burst_len_q};
  assign offer = busy_q && (!valid_q || burst_ready_i);
  assign req_ready_o = !busy_q && !valid_q;
  assign span = 33'(req_i.addr[Shift-1:0]) + 33'(req_i.bytes) + 33'(Bytes - 1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      valid_q <= 1'b0;
      addr_q  <= '0;
      left_q  <= '0;
    end else if (clear_i) begin
      busy_q  <= 1'b0;
      valid_q <= 1'b0;
    end else if (req_i.valid && req_ready_o) begin
      busy_q <= 1'b1;
      addr_q <= {req_i.addr[63:Shift], Shift'(0)};
      left_q <= 32'(span >> Shift);
    end else if (offer) begin
      busy_q  <= beats != left_q;
      valid_q <= 1'b1;
      addr_q  <= addr_q + (64'(beats) << Shift);
      left_q  <= left_q - beats;
    end else if (burst_ready_i) begin
      valid_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (offer) begin
      burst_addr_q <= addr_q;
      burst_len_q  <= 8'(beats - 1);
      burst_last_o <= beats == left_q;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      // A request has at least one byte.
      a_bytes :
      assert (!req_i.valid || req_i.bytes != '0)
      else $error("bytes");
      // A burst stays within its page and its limit.
      a_page :
      assert (!busy_q || 13'(addr_q[11:0]) + (13'(beats) << Shift) <= 13'd4096)
      else $error("page");
      a_limit :
      assert (!busy_q || (beats != '0 && beats <= MaxBeats))
      else $error("limit");
    end
  end
`endif
endmodule
