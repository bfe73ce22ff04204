// The command processor: all of the card except the engine. It holds the registers, the two rings,
// the jobs under way, the copier, the ports to memory, the interrupts and the soft reset.
module ls_cmd
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 64,  // of both memory ports: 64, 128, 256, 512
    parameter card_t Card = DefaultCard,
    parameter int unsigned ReadBeats = 64,  // most beats of a burst
    parameter int unsigned WriteBeats = 16,
    parameter int unsigned Outstanding = 16,  // bursts of one port
    localparam int unsigned EngineEvents = Events - OuterEvents
) (
    input logic clk_i,
    input logic rst_ni,
    output logic drain,  // a soft reset is under way: the engine drops all work
    output logic [Vectors-1:0] irq_o,
    // registers
    input axil_in_t regs_i,
    output axil_out_t regs_o,
    // the buses
    input axi_in_t host_i,
    output axi_out_t host_o,
    input logic [DataWidth-1:0] host_rdata,
    output logic [DataWidth-1:0] host_wdata,
    output logic [DataWidth/8-1:0] host_wstrb,
    input axi_in_t card_i,
    output axi_out_t card_o,
    input logic [DataWidth-1:0] card_rdata,
    output logic [DataWidth-1:0] card_wdata,
    output logic [DataWidth/8-1:0] card_wstrb,
    // the engine, which takes read data at once
    output job_t engine_job,
    input logic engine_job_ready,
    input done_t engine_done,
    output logic engine_abort,  // the job under way shall end; held until it has ended
    input request_t card_read_req,
    output logic card_read_req_ready,
    output beat_t card_read_beat,
    output logic [DataWidth-1:0] card_data,
    input request_t host_read_req,
    output logic host_read_req_ready,
    output beat_t host_read_beat,
    output logic [DataWidth-1:0] host_data,
    input request_t host_write_req,
    output logic host_write_req_ready,
    input logic host_write_valid,
    input logic [DataWidth-1:0] host_write_data,
    output logic host_write_ready,
    output answer_t host_write_done,
    input logic [EngineEvents-1:0][63:0] engine_counters
);
  // between ls_control, ls_ports and ls_work
  ring_t submit, complete;
  abort_t abort;
  work_t work;
  bus_error_t [3:0] bus_error;
  logic enable, halted, clear, idle, ended, ended_ok;
  logic [3:0] ring_log2;
  logic [31:0] watchdog;
  logic [Events-1:0][63:0] counters;
  // between ls_work and ls_ports
  request_t fetch_req, record_req;
  request_t [1:0] copy_read, copy_write;
  beat_t fetch_beat;
  beat_t [1:0] copy_beat;
  answer_t record_done;
  answer_t [1:0] copy_done;
  fault_t [1:0] copy_read_fault, copy_write_fault;
  engine_fault_t engine_fault;
  logic fetch_req_ready, record_req_ready, record_valid, record_ready, copy_start;
  logic [1:0] copy_read_ready, copy_beat_ready, copy_write_ready, copy_wvalid, copy_wready;
  logic [DataWidth-1:0] record_data, copy_wdata;

  ls_control #(
      .DataWidth(DataWidth),
      .Card(Card)
  ) u_control (
      .*
  );

  ls_ports #(
      .DataWidth  (DataWidth),
      .ReadBeats  (ReadBeats),
      .WriteBeats (WriteBeats),
      .Outstanding(Outstanding)
  ) u_ports (
      .*
  );

  ls_work #(
      .DataWidth(DataWidth),
      .Card(Card)
  ) u_work (
      .*,
      .now(outer[EventCycles])
  );

  // Counters: those of the command processor, then those of the engine.
  logic [OuterEvents-1:0][47:0] outer;
  logic [OuterEvents-1:0][ 7:0] step;
  function automatic logic [7:0] bytes_if(input logic moved);
    return moved ? 8'(DataWidth / 8) : '0;
  endfunction
  always_comb begin
    step = '0;
    step[EventCycles] = 8'd1;
    step[EventBusy] = 8'(work.jobs != '0);
    step[EventJobsOk] = 8'(ended && ended_ok);
    step[EventJobsFailed] = 8'(ended && !ended_ok);
    step[EventHostReadBytes] = bytes_if(host_i.read.r.valid && host_o.read.rready);
    step[EventHostWriteBytes] = bytes_if(host_o.write.w.valid && host_i.write.wready);
    step[EventCardReadBytes] = bytes_if(card_i.read.r.valid && card_o.read.rready);
    step[EventCardWriteBytes] = bytes_if(card_o.write.w.valid && card_i.write.wready);
    step[EventHostReadHeld] = 8'(host_i.read.r.valid && !host_o.read.rready);
    step[EventHostWriteHeld] = 8'(host_o.write.w.valid && !host_i.write.wready);
    step[EventCardReadHeld] = 8'(card_i.read.r.valid && !card_o.read.rready);
    step[EventCardWriteHeld] = 8'(card_o.write.w.valid && !card_i.write.wready);
    for (int unsigned i = 0; i < OuterEvents; i++) counters[i] = 64'(outer[i]);
    for (int unsigned i = 0; i < EngineEvents; i++) counters[OuterEvents+i] = engine_counters[i];
  end
  ls_counters #(
      .Count(OuterEvents)
  ) u_counters (
      .*,
      .step_i (step),
      .count_o(outer)
  );
endmodule
