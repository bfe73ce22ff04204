// Judges a descriptor. If several things are wrong with it, its record names the first one in the
// order of the statuses below.
module ls_decode
  import lockstep_pkg::*;
  import ls_cmd_pkg::*;
#(
    parameter card_t Card = DefaultCard
) (
    input  descriptor_t        descriptor_i,
    input  logic               error_i,       // the descriptor could not be read
    input  logic        [63:0] address_i,     // of the descriptor in host memory
    output command_t           command_o
);
  descriptor_t d;
  logic is_nop, is_run, is_copy, known, stray, bad_shape;
  logic [63:0] bytes, misaligned;
  logic [64:0] card_end;

  assign d       = descriptor_i;
  assign is_nop  = d.opcode == OpNop;
  assign is_run  = d.opcode == OpRun;
  assign is_copy = d.opcode == OpCopyToCard || d.opcode == OpCopyFromCard;
  assign known   = is_nop || is_run || is_copy;

  // Bits that have no meaning for the opcode must be zero.
  logic [223:0] for_run;
  assign for_run = {
    d.program_length,
    d.output_address,
    d.runs,
    d.array,
    d.tokens,
    d.hidden,
    d.input_stride,
    d.output_stride
  };
  always_comb begin
    stray = (d.flags >> DescriptorFlagBits) != '0 || d.reserved_0 != '0 || d.reserved_1 != '0;
    if (!is_run && for_run != '0) stray = 1'b1;
    if (!is_copy && d.bytes != '0) stray = 1'b1;
    if (is_nop && {d.card_address, d.host_address} != '0) stray = 1'b1;
  end

  // The first misaligned address. The odd length of a copy is reported as its end in card memory.
  always_comb begin
    misaligned = '0;
    if (is_copy && d.bytes[1:0] != '0) misaligned = d.card_address + 64'(d.bytes);
    // A misaligned stride is reported as the sum of address and stride.
    if (is_run && d.output_stride[1:0] != '0) misaligned = d.output_address + 64'(d.output_stride);
    if (is_run && d.input_stride[1:0] != '0) misaligned = d.host_address + 64'(d.input_stride);
    if (is_run && d.output_address[1:0] != '0) misaligned = d.output_address;
    if (d.host_address[1:0] != '0) misaligned = d.host_address;
    if (is_run ? (d.card_address[5:0] != '0) : (d.card_address[1:0] != '0))
      misaligned = d.card_address;
  end

  assign bytes = is_run ? 64'(d.program_length) * 64'(InstructionBytes) : 64'(d.bytes);
  assign card_end = 65'(d.card_address) + 65'(bytes);
  assign bad_shape = d.array != Card.array || d.tokens == '0 || d.tokens > Card.max_tokens ||
      d.hidden == '0 || d.hidden > Card.max_hidden || d.runs == '0;

  always_comb begin
    command_o = '0;
    command_o.start.opcode = opcode_e'(d.opcode);
    command_o.start.notify = d.flags[DescriptorFlagInterrupt];
    command_o.start.fence = d.flags[DescriptorFlagFence];
    command_o.start.tag = d.tag;
    command_o.program_length = d.program_length[15:0];
    command_o.card_address = d.card_address;
    command_o.host_address = d.host_address;
    command_o.output_address = d.output_address;
    command_o.bytes = d.bytes;
    command_o.runs = d.runs;
    command_o.input_stride = d.input_stride;
    command_o.output_stride = d.output_stride;
    command_o.start.status = StatusOk;
    if (error_i) begin
      command_o.start.status = StatusDescriptorRead;
      command_o.start.fault_address = address_i;
      command_o.start.notify = 1'b1;
      command_o.start.fence = 1'b0;
      command_o.start.tag = 16'(NoTag);
    end else if (!known) begin
      command_o.start.status = StatusBadOpcode;
    end else if (stray) begin
      command_o.start.status = StatusBadReserved;
    end else if (misaligned != '0) begin
      command_o.start.status = StatusMisaligned;
      command_o.start.fault_address = misaligned;
    end else if (!is_nop && (bytes == '0 || bytes > 64'(CopyMax) ||
                 d.program_length > 32'(ProgramLengthMax))) begin
      command_o.start.status = StatusBadLength;
    end else if (!is_nop && card_end > 65'(Card.card_bytes)) begin
      command_o.start.status = StatusCardRange;
      command_o.start.fault_address = d.card_address;
    end else if (is_run && bad_shape) begin
      command_o.start.status = StatusUnsupportedShape;
    end
  end
endmodule
