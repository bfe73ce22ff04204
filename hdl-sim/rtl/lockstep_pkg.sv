// Generated from accel-driver/abi by `make abi`; changes belong there.
package lockstep_pkg;

  parameter int unsigned PciVendor = 'h1234;  // PCI vendor id of the development card
  parameter int unsigned PciDevice = 'h4c53;  // PCI device id of the development card
  parameter int unsigned PciClass = 'h120000;  // PCI class code: processing accelerator
  parameter int unsigned BarBytes = 'h2000;  // bytes of BAR 0
  parameter int unsigned Vectors = 'h2;  // interrupt vectors
  parameter int unsigned NoTag = 'hffff;  // tag of a record whose descriptor could not be read
  parameter int unsigned IdValue = 'h4542534c;  // value of the register ID
  parameter int unsigned InterfaceVersion = 'h10000;  // major number * 65536 + minor number
  parameter int unsigned RingLog2Min = 'h1;  // least logarithm of a ring's entries
  parameter int unsigned RingLog2Max = 'hf;  // greatest logarithm of a ring's entries
  parameter int unsigned RingAlign = 'h40;  // alignment of ring bases in bytes
  parameter int unsigned InstructionBytes = 'h20;  // bytes of an instruction of the engine
  parameter int unsigned ProgramAlign = 'h40;  // alignment of programs in bytes
  parameter int unsigned CopyMax = 'h40000000;  // longest copy of one descriptor in bytes
  parameter int unsigned Counters = 'h200;  // offset of the first counter
  parameter int unsigned OffsetBits = 'hd;  // bits of an offset within the BAR
  parameter int unsigned TokensMax = 'h200;  // the longest sequence in tokens
  parameter int unsigned HiddenMax = 'h400;  // the greatest hidden size
  parameter int unsigned ProgramLengthMax = 'hffff;  // the longest program in instructions
  parameter int unsigned ProgramVersion = 'h2;  // version of the instruction set
  parameter int unsigned SoftmaxSlots = 'h4;  // heads whose scores the engine holds at once

  // Words of the engine's memories for an array of n x n.
  function automatic int unsigned depth_a(input int unsigned n);
    return 3145728 / n;
  endfunction
  function automatic int unsigned depth_b(input int unsigned n);
    return 1048576 / n;
  endfunction
  function automatic int unsigned depth_p(input int unsigned n);
    return 0 / n + 2048;
  endfunction
  function automatic int unsigned depth_v(input int unsigned n);
    return 2621440 / n;
  endfunction
  function automatic int unsigned depth_y(input int unsigned n);
    return 524288 / n + 2048;
  endfunction
  function automatic int unsigned depth_g(input int unsigned n);
    return 24576 / n;
  endfunction
  function automatic int unsigned depth_row_scales(input int unsigned n);
    return 2048 / n;
  endfunction
  function automatic int unsigned depth_statistics(input int unsigned n);
    return 1536 / n + 100;
  endfunction
  function automatic int unsigned depth_ring(input int unsigned n);
    return 0 / n + 8192;
  endfunction

  // Offsets of the registers.
  parameter int unsigned RegId = 'h0000;
  parameter int unsigned RegVersion = 'h0004;
  parameter int unsigned RegBuildId = 'h0008;
  parameter int unsigned RegScratch = 'h000c;
  parameter int unsigned RegCapArray = 'h0010;
  parameter int unsigned RegCapLimits = 'h0014;
  parameter int unsigned RegCapVectors = 'h0018;
  parameter int unsigned RegCapBuffers = 'h001c;
  parameter int unsigned RegCapCardBytesLo = 'h0020;
  parameter int unsigned RegCapCardBytesHi = 'h0024;
  parameter int unsigned RegCapPorts = 'h0028;
  parameter int unsigned RegCapQueue = 'h002c;
  parameter int unsigned RegCapProgram = 'h0030;
  parameter int unsigned RegCapOperands = 'h0034;
  parameter int unsigned RegCapClockKhz = 'h0038;
  parameter int unsigned RegCapCounters = 'h003c;
  parameter int unsigned RegControl = 'h0040;
  parameter int unsigned RegStatus = 'h0044;
  parameter int unsigned RegErrorStatus = 'h0048;
  parameter int unsigned RegErrorInfo = 'h004c;
  parameter int unsigned RegErrorAddressLo = 'h0050;
  parameter int unsigned RegErrorAddressHi = 'h0054;
  parameter int unsigned RegWatchdog = 'h0058;
  parameter int unsigned RegAbort = 'h005c;
  parameter int unsigned RegIntStatus = 'h0060;
  parameter int unsigned RegIntEnable = 'h0064;
  parameter int unsigned RegIntForce = 'h0068;
  parameter int unsigned RegSubmitBaseLo = 'h0080;
  parameter int unsigned RegSubmitBaseHi = 'h0084;
  parameter int unsigned RegCompleteBaseLo = 'h0088;
  parameter int unsigned RegCompleteBaseHi = 'h008c;
  parameter int unsigned RegRingLog2 = 'h0090;
  parameter int unsigned RegSubmitIndex = 'h0094;
  parameter int unsigned RegCompleteIndex = 'h0098;
  parameter int unsigned RegDoorbellSubmit = 'h1000;
  parameter int unsigned RegDoorbellComplete = 'h1004;

  // Fields of the registers: the lowest bit and the width.
  parameter int unsigned FieldVersionMinorLow = 0;
  parameter int unsigned FieldVersionMinorBits = 16;
  parameter int unsigned FieldVersionMajorLow = 16;
  parameter int unsigned FieldVersionMajorBits = 16;
  parameter int unsigned FieldCapArrayRowsLow = 0;
  parameter int unsigned FieldCapArrayRowsBits = 16;
  parameter int unsigned FieldCapArrayColumnsLow = 16;
  parameter int unsigned FieldCapArrayColumnsBits = 16;
  parameter int unsigned FieldCapLimitsTokensLow = 0;
  parameter int unsigned FieldCapLimitsTokensBits = 16;
  parameter int unsigned FieldCapLimitsHiddenLow = 16;
  parameter int unsigned FieldCapLimitsHiddenBits = 16;
  parameter int unsigned FieldCapVectorsVLow = 0;
  parameter int unsigned FieldCapVectorsVBits = 16;
  parameter int unsigned FieldCapVectorsYLow = 16;
  parameter int unsigned FieldCapVectorsYBits = 16;
  parameter int unsigned FieldCapBuffersPLow = 0;
  parameter int unsigned FieldCapBuffersPBits = 16;
  parameter int unsigned FieldCapBuffersRingLow = 16;
  parameter int unsigned FieldCapBuffersRingBits = 16;
  parameter int unsigned FieldCapPortsHostBytesLow = 0;
  parameter int unsigned FieldCapPortsHostBytesBits = 16;
  parameter int unsigned FieldCapPortsCardBytesLow = 16;
  parameter int unsigned FieldCapPortsCardBytesBits = 16;
  parameter int unsigned FieldCapQueueRingLog2MaxLow = 0;
  parameter int unsigned FieldCapQueueRingLog2MaxBits = 8;
  parameter int unsigned FieldCapQueueJobsLow = 8;
  parameter int unsigned FieldCapQueueJobsBits = 8;
  parameter int unsigned FieldCapQueueVectorsLow = 16;
  parameter int unsigned FieldCapQueueVectorsBits = 8;
  parameter int unsigned FieldCapProgramVersionLow = 0;
  parameter int unsigned FieldCapProgramVersionBits = 16;
  parameter int unsigned FieldCapProgramRunsLow = 16;
  parameter int unsigned FieldCapProgramRunsBits = 16;
  parameter int unsigned FieldCapOperandsALow = 0;
  parameter int unsigned FieldCapOperandsABits = 16;
  parameter int unsigned FieldCapOperandsBLow = 16;
  parameter int unsigned FieldCapOperandsBBits = 16;
  parameter int unsigned FieldControlEnableLow = 0;
  parameter int unsigned FieldControlEnableBits = 1;
  parameter int unsigned FieldControlResetLow = 1;
  parameter int unsigned FieldControlResetBits = 1;
  parameter int unsigned FieldStatusReadyLow = 0;
  parameter int unsigned FieldStatusReadyBits = 1;
  parameter int unsigned FieldStatusBusyLow = 1;
  parameter int unsigned FieldStatusBusyBits = 1;
  parameter int unsigned FieldStatusResettingLow = 2;
  parameter int unsigned FieldStatusResettingBits = 1;
  parameter int unsigned FieldStatusHaltedLow = 3;
  parameter int unsigned FieldStatusHaltedBits = 1;
  parameter int unsigned FieldStatusAbortingLow = 4;
  parameter int unsigned FieldStatusAbortingBits = 1;
  parameter int unsigned FieldStatusJobsLow = 8;
  parameter int unsigned FieldStatusJobsBits = 8;
  parameter int unsigned FieldErrorInfoPortLow = 0;
  parameter int unsigned FieldErrorInfoPortBits = 8;
  parameter int unsigned FieldErrorInfoResponseLow = 8;
  parameter int unsigned FieldErrorInfoResponseBits = 2;
  parameter int unsigned FieldAbortTagLow = 0;
  parameter int unsigned FieldAbortTagBits = 16;
  parameter int unsigned FieldSubmitIndexProducerLow = 0;
  parameter int unsigned FieldSubmitIndexProducerBits = 16;
  parameter int unsigned FieldSubmitIndexConsumerLow = 16;
  parameter int unsigned FieldSubmitIndexConsumerBits = 16;
  parameter int unsigned FieldCompleteIndexProducerLow = 0;
  parameter int unsigned FieldCompleteIndexProducerBits = 16;
  parameter int unsigned FieldCompleteIndexConsumerLow = 16;
  parameter int unsigned FieldCompleteIndexConsumerBits = 16;
  parameter int unsigned FieldDoorbellSubmitIndexLow = 0;
  parameter int unsigned FieldDoorbellSubmitIndexBits = 16;
  parameter int unsigned FieldDoorbellCompleteIndexLow = 0;
  parameter int unsigned FieldDoorbellCompleteIndexBits = 16;

  // Bits of ERROR_STATUS.
  parameter int unsigned ErrorHostRead = 0;
  parameter int unsigned ErrorHostWrite = 1;
  parameter int unsigned ErrorCardRead = 2;
  parameter int unsigned ErrorCardWrite = 3;
  parameter int unsigned ErrorDescriptorRead = 4;
  parameter int unsigned ErrorCompletionWrite = 5;
  parameter int unsigned ErrorWatchdog = 6;
  parameter int unsigned ErrorEngineStuck = 7;
  parameter int unsigned ErrorBadDoorbell = 8;
  parameter int unsigned ErrorBadAccess = 9;
  parameter int unsigned ErrorBadQueue = 10;
  parameter int unsigned ErrorBits = 11;

  // Bits of INT_STATUS, INT_ENABLE, INT_FORCE.
  parameter int unsigned IntCompletion = 0;
  parameter int unsigned IntError = 1;
  parameter int unsigned IntBits = 2;

  // Bits of a descriptor's flags.
  parameter int unsigned DescriptorFlagInterrupt = 0;
  parameter int unsigned DescriptorFlagFence = 1;
  parameter int unsigned DescriptorFlagBits = 2;

  // Bits of a completion record's flags.
  parameter int unsigned CompletionFlagPhase = 0;
  parameter int unsigned CompletionFlagBits = 1;

  typedef enum logic [7:0] {
    OpNop = 8'd1,
    OpRun = 8'd2,
    OpCopyToCard = 8'd3,
    OpCopyFromCard = 8'd4
  } opcode_e;

  typedef enum logic [7:0] {
    StatusOk = 8'd0,
    StatusDescriptorRead = 8'd1,
    StatusBadOpcode = 8'd2,
    StatusBadReserved = 8'd3,
    StatusMisaligned = 8'd4,
    StatusBadLength = 8'd5,
    StatusCardRange = 8'd6,
    StatusUnsupportedShape = 8'd7,
    StatusBadInstruction = 8'd8,
    StatusBadInput = 8'd10,
    StatusHostRead = 8'd11,
    StatusHostWrite = 8'd12,
    StatusCardRead = 8'd13,
    StatusCardWrite = 8'd14,
    StatusWatchdog = 8'd15,
    StatusAborted = 8'd16
  } status_e;

  typedef enum logic [7:0] {
    PortHostRead = 8'd0,
    PortHostWrite = 8'd1,
    PortCardRead = 8'd2,
    PortCardWrite = 8'd3
  } port_e;

  typedef enum logic [7:0] {
    EngineNone = 8'd0,
    EngineIllegalInstruction = 8'd1,
    EngineCardBus = 8'd2,
    EngineHostBus = 8'd3,
    EngineBadInput = 8'd4,
    EngineAborted = 8'd5
  } engine_error_e;

  typedef enum logic [7:0] {
    EventCycles = 8'd0,
    EventBusy = 8'd1,
    EventJobsOk = 8'd2,
    EventJobsFailed = 8'd3,
    EventHostReadBytes = 8'd4,
    EventHostWriteBytes = 8'd5,
    EventCardReadBytes = 8'd6,
    EventCardWriteBytes = 8'd7,
    EventHostReadHeld = 8'd8,
    EventHostWriteHeld = 8'd9,
    EventCardReadHeld = 8'd10,
    EventCardWriteHeld = 8'd11,
    EventArrayBusy = 8'd12,
    EventStallWeights = 8'd13,
    EventStallOperand = 8'd14,
    EventStallPlane = 8'd15,
    EventStallIdle = 8'd16,
    EventWordsDrained = 8'd17,
    EventWordsPassed = 8'd18
  } event_e;

  parameter int unsigned Events = 19;
  parameter int unsigned OuterEvents = 12;

  typedef struct packed {
    logic [63:0] reserved_1;  // byte 56
    logic [31:0] output_stride;  // byte 52
    logic [31:0] input_stride;  // byte 48
    logic [31:0] reserved_0;  // byte 44
    logic [15:0] hidden;  // byte 42
    logic [15:0] tokens;  // byte 40
    logic [15:0] array;  // byte 38
    logic [15:0] runs;  // byte 36
    logic [31:0] bytes;  // byte 32
    logic [63:0] output_address;  // byte 24
    logic [63:0] host_address;  // byte 16
    logic [63:0] card_address;  // byte 8
    logic [31:0] program_length;  // byte 4
    logic [15:0] tag;  // byte 2
    logic [7:0] flags;  // byte 1
    logic [7:0] opcode;  // byte 0
  } descriptor_t;
  parameter int unsigned DescriptorBytes = 64;

  typedef struct packed {
    logic [7:0] flags;  // byte 31
    logic [7:0] reserved_1;  // byte 30
    logic [7:0] reserved_0;  // byte 29
    logic [7:0] status;  // byte 28
    logic [15:0] tag;  // byte 26
    logic [15:0] consumer;  // byte 24
    logic [31:0] detail;  // byte 20
    logic [31:0] array_busy;  // byte 16
    logic [63:0] cycles;  // byte 8
    logic [63:0] address;  // byte 0
  } completion_t;
  parameter int unsigned CompletionBytes = 32;

endpackage
