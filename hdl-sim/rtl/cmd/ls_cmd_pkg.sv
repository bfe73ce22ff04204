// Types inside the command processor.
package ls_cmd_pkg;
  // What the table of jobs knows of a descriptor.
  typedef struct packed {
    lockstep_pkg::status_e status;         // StatusOk, or why it is refused
    logic [63:0]           fault_address;  // what the status is about
    lockstep_pkg::opcode_e opcode;
    logic                  notify;         // an interrupt when its record is written
    logic                  fence;
    logic [15:0]           tag;
  } start_t;

  // A checked descriptor on its way to the engine or to the copier.
  typedef struct packed {
    start_t start;
    logic [15:0] program_length;
    logic [63:0] card_address;
    logic [63:0] host_address;
    logic [63:0] output_address;
    logic [31:0] bytes;
    logic [15:0] runs;
    logic [31:0] input_stride;
    logic [31:0] output_stride;
  } command_t;

  // How a job ended, for its record.
  typedef struct packed {
    logic [63:0] address;
    logic [47:0] cycles;
    logic [31:0] array_busy;
    logic [7:0] detail;
    logic [15:0] tag;
    lockstep_pkg::status_e status;
    logic notify;  // an interrupt when its record is written
  } ending_t;

  // Readers of host memory, and of card memory without the first.
  parameter int unsigned HostReadFetch = 0;
  parameter int unsigned HostReadCopy = 1;
  parameter int unsigned HostReadEngine = 2;
  parameter int unsigned CardReadCopy = 0;
  parameter int unsigned CardReadEngine = 1;
  // Writers of host memory.
  parameter int unsigned HostWriteRecord = 0;
  parameter int unsigned HostWriteCopy = 1;
  parameter int unsigned HostWriteEngine = 2;
endpackage
