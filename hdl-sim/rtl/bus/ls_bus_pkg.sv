// Types of the channels between units. A channel has a valid bit in its struct and a ready bit
// beside it. Data is beside the struct too: its width is a parameter, and a package has none.
package ls_bus_pkg;

  typedef logic [63:0] addr_t;  // in bytes
  typedef logic [1:0] resp_t;  // of AXI

  // Asks for a transfer from memory or to memory.
  typedef struct packed {
    logic valid;
    addr_t addr;  // in bytes, a multiple of 4
    logic [31:0] bytes;  // a multiple of 4, at least 4
  } request_t;

  // Goes with one word of read data.
  typedef struct packed {
    logic valid;
    logic last;   // the last word of its request
    logic error;  // the bus answered a part of the word with an error
  } beat_t;

  // Ends a request to write. It lasts one cycle.
  typedef struct packed {
    logic valid;
    logic error;
  } answer_t;

  // An error response of the bus. It lasts one cycle.
  typedef struct packed {
    logic  valid;
    addr_t addr;
    resp_t resp;
  } bus_error_t;

  // The address of the first failed transfer of one user of a port.
  typedef struct packed {
    logic  valid;
    addr_t addr;
  } fault_t;

  // AXI4: an address channel, read responses, write data, write responses.
  typedef struct packed {
    logic valid;
    addr_t addr;
    logic [7:0] len;  // beats - 1
  } axi_address_t;

  typedef struct packed {
    logic  valid;
    resp_t resp;
    logic  last;
  } axi_r_t;

  typedef struct packed {
    logic valid;
    logic last;
  } axi_w_t;

  typedef struct packed {
    logic  valid;
    resp_t resp;
  } axi_b_t;

  // AXI4-Lite, for the registers. Responses are always OKAY.
  typedef struct packed {
    logic valid;
    logic [lockstep_pkg::OffsetBits-1:0] addr;
  } axil_address_t;

  typedef struct packed {
    logic valid;
    logic [31:0] data;
    logic [3:0] strb;
  } axil_w_t;

  typedef struct packed {
    logic valid;
    logic [31:0] data;
    resp_t resp;
  } axil_r_t;

  // All channels of a bus, by direction, without the data: outputs and inputs of a master.
  typedef struct packed {
    axi_address_t ar;
    logic rready;
  } axi_read_out_t;

  typedef struct packed {
    logic   arready;
    axi_r_t r;
  } axi_read_in_t;

  typedef struct packed {
    axi_address_t aw;
    axi_w_t w;
    logic bready;
  } axi_write_out_t;

  typedef struct packed {
    logic   awready;
    logic   wready;
    axi_b_t b;
  } axi_write_in_t;

  typedef struct packed {
    axi_read_out_t  read;
    axi_write_out_t write;
  } axi_out_t;

  typedef struct packed {
    axi_read_in_t  read;
    axi_write_in_t write;
  } axi_in_t;

  // The register port, which is a slave: inputs and outputs.
  typedef struct packed {
    axil_address_t aw;
    axil_w_t w;
    logic bready;
    axil_address_t ar;
    logic rready;
  } axil_in_t;

  typedef struct packed {
    logic awready;
    logic wready;
    axi_b_t b;
    logic arready;
    axil_r_t r;
  } axil_out_t;

  // A write to a register. It lasts one cycle.
  typedef struct packed {
    logic valid;
    logic whole;  // all four bytes
    logic [lockstep_pkg::OffsetBits-1:0] addr;
    logic [31:0] data;
  } register_write_t;

  // A job of the engine. The engine takes it when the ready bit is set.
  typedef struct packed {
    logic valid;
    addr_t program_address;  // in card memory
    logic [15:0] length;  // instructions
    logic [15:0] runs;  // the program runs once for each sequence
    addr_t input_address;  // in host memory, of the first sequence
    logic [31:0] input_stride;  // bytes from one sequence to the next
    addr_t output_address;
    logic [31:0] output_stride;
  } job_t;

  // The end of a job. It lasts one cycle.
  typedef struct packed {
    logic valid;
    logic [7:0] error;  // 0, or an error code of the engine
    logic [63:0] busy;  // cycles in which the array worked
  } done_t;
endpackage
