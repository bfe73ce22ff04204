// Types inside the command processor.
package ls_cmd_pkg;
  import ls_bus_pkg::addr_t;

  typedef logic [15:0] tag_t;  // of a job, chosen by the driver
  typedef logic [15:0] index_t;  // of a ring; it counts freely

  // The sizes of the card. The capability registers show them.
  typedef struct packed {
    logic [31:0] build_id;
    logic [15:0] array;  // rows, and columns
    logic [63:0] card_bytes;  // bytes of card memory
    logic [15:0] max_tokens;
    logic [15:0] max_hidden;
    logic [7:0] jobs;  // under way at once
    logic [15:0] program_version;
    logic [31:0] clock_khz;
    // Words of the engine's memories.
    logic [31:0] a_depth;
    logic [31:0] b_depth;
    logic [31:0] v_depth;
    logic [31:0] y_depth;
    logic [31:0] p_depth;
    logic [31:0] ring_depth;
  } card_t;

  parameter card_t DefaultCard = '{
      array: 16'd8,
      card_bytes: 64'h1_0000_0000,
      max_tokens: 16'(lockstep_pkg::TokensMax),
      max_hidden: 16'(lockstep_pkg::HiddenMax),
      jobs: 8'd4,
      program_version: 16'(lockstep_pkg::ProgramVersion),
      default: '0
  };

  // A ring, as the units of the card see it.
  typedef struct packed {
    addr_t base;  // address in host memory
    index_t producer;
    index_t consumer;
    index_t used;  // full entries
  } ring_t;

  // Aborts the job with this tag.
  typedef struct packed {
    logic valid;
    tag_t tag;
  } abort_t;

  // Tells the registers and the rings what became of descriptors and jobs.
  typedef struct packed {
    logic fetched;  // for one cycle: a descriptor has been read
    logic fetch_error;  // for one cycle: it could not be read
    logic recorded;  // for one cycle: a record is on its way
    logic notify;  // for one cycle: a record is in memory and asked for an interrupt
    logic record_error;  // for one cycle: a record could not be written
    logic late;  // for one cycle: the watchdog stopped a job
    logic stuck;  // for one cycle: the stopped job did not end
    logic aborting;  // an abort may still hit a job that has not started
    logic busy;
    logic [7:0] jobs;  // under way
  } work_t;

  // What the table of jobs needs of a descriptor.
  typedef struct packed {
    lockstep_pkg::status_e status;         // StatusOk, or why the descriptor is refused
    addr_t                 fault_address;  // the address that the status is about
    lockstep_pkg::opcode_e opcode;
    logic                  notify;         // an interrupt when its record is written
    logic                  fence;
    tag_t                  tag;
  } start_t;

  // A checked descriptor on its way to the engine or to the copier.
  typedef struct packed {
    start_t start;
    logic [15:0] program_length;
    addr_t card_address;
    addr_t host_address;
    addr_t output_address;
    logic [31:0] bytes;
    logic [15:0] runs;
    logic [31:0] input_stride;
    logic [31:0] output_stride;
  } command_t;

  // How the engine or the copier ended its oldest job.
  typedef struct packed {
    logic done;  // for one cycle
    lockstep_pkg::status_e status;
    addr_t address;  // of an error on the bus
    logic [7:0] detail;  // the engine's error code
    logic [31:0] busy;  // cycles in which the array worked
  } unit_end_t;

  // How a job ended, for its record.
  typedef struct packed {
    addr_t address;
    logic [47:0] cycles;
    logic [31:0] array_busy;
    logic [7:0] detail;
    tag_t tag;
    lockstep_pkg::status_e status;
    logic notify;  // an interrupt when its record is written
  } ending_t;

  // The first failed transfers of the engine, by port.
  typedef struct packed {
    ls_bus_pkg::fault_t host_read;
    ls_bus_pkg::fault_t host_write;
    ls_bus_pkg::fault_t card_read;
  } engine_fault_t;

  // Orders of the driver. Each lasts one cycle.
  typedef struct packed {
    logic reset;  // a soft reset
    logic submit;  // doorbells
    logic complete;
    logic abort;
    logic [15:0] operand;  // the index of a doorbell, the tag of an abort
  } order_t;

  // The interrupt registers: the mask, and the bits that the driver clears and sets.
  typedef struct packed {
    logic [lockstep_pkg::IntBits-1:0] enable;
    logic [lockstep_pkg::IntBits-1:0] acknowledge;
    logic [lockstep_pkg::IntBits-1:0] raise;
  } int_control_t;
endpackage
