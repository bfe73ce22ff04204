//! An instance of a verilated design. No other file of this crate calls foreign code.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;
use std::ptr::NonNull;

use libloading::Library;

use crate::Error;

/// One port of a design, or one field of a port: a handle that is looked up once by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    index: u32,
    width: u32,
    field: Option<Place>,
}

/// Where a field lies in a port: in an array of structs, every `step` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) low: u32,
    pub(crate) each: u32,
    pub(crate) step: u32,
}

impl Port {
    /// Number of bits.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width as usize
    }

    /// A field of all structs in the port, as a packed array.
    pub(crate) const fn field(self, place: Place) -> Self {
        let count = self.width / place.step;
        Self { index: self.index, width: count * place.each, field: Some(place) }
    }

    /// Where the field lies; `None` for a whole port.
    pub(crate) const fn place(self) -> Option<Place> {
        self.field
    }
}

/// `PortInfo` of `shim/shim.cpp`.
#[repr(C)]
struct PortInfo {
    name: *const c_char,
    address: *mut u8,
    bytes: u32,
    width: u32,
    input: u32,
}

struct Slot {
    name: String,
    address: NonNull<u8>,
    bytes: usize,
    width: u32,
    input: bool,
}

/// The C++ object, opaque.
#[repr(C)]
struct Simulation {
    _opaque: [u8; 0],
}

type New = unsafe extern "C" fn(u32) -> *mut Simulation;
type Act = unsafe extern "C" fn(*mut Simulation);
type PortAt = unsafe extern "C" fn(*mut Simulation, u32, *mut PortInfo) -> c_int;
type Failure = unsafe extern "C" fn() -> *const c_char;
type ToFile = unsafe extern "C" fn(*mut Simulation, *const c_char) -> c_int;

/// An instance of a verilated design. It stays on the thread that made it.
pub(crate) struct Verilated {
    simulation: NonNull<Simulation>,
    slots: Vec<Slot>,
    eval: Act,
    free: Act,
    failure: Failure,
    trace: ToFile,
    /// `None` in a design without waveforms.
    end_trace: Option<Act>,
    coverage: ToFile,
    /// Keeps the functions above in memory. It is the last member, so it is dropped last.
    _library: Library,
}

impl Verilated {
    /// Loads a library that `Design` built, and makes an instance. Its registers hold random bits
    /// that depend on `seed`.
    pub(crate) fn load(path: &Path, seed: u32) -> Result<Self, Error> {
        let failed = |e: libloading::Error| Error::Library { path: path.into(), message: e.to_string() };
        // SAFETY: the library was built from shim.cpp, whose initialisers only fill the C++
        // runtime's tables.
        let library = unsafe { Library::new(path) }.map_err(failed)?;
        // SAFETY: the seven names have exactly these signatures in shim.cpp; the pointers are kept
        // beside the library.
        let (new, port, free, eval, failure, trace, coverage) = unsafe {
            (
                *library.get::<New>(b"lockstep_new\0").map_err(failed)?,
                *library.get::<PortAt>(b"lockstep_port\0").map_err(failed)?,
                *library.get::<Act>(b"lockstep_free\0").map_err(failed)?,
                *library.get::<Act>(b"lockstep_eval\0").map_err(failed)?,
                *library.get::<Failure>(b"lockstep_failure\0").map_err(failed)?,
                *library.get::<ToFile>(b"lockstep_trace\0").map_err(failed)?,
                *library.get::<ToFile>(b"lockstep_coverage\0").map_err(failed)?,
            )
        };
        // SAFETY: the name has this signature in trace.cpp, if the library has it.
        let end_trace = unsafe { library.get::<Act>(b"lockstep_trace_end\0").ok().map(|act| *act) };
        // SAFETY: takes a number, returns a fresh object.
        let made = NonNull::new(unsafe { new(seed) });
        let no_object = || Error::Library { path: path.into(), message: "made no instance".into() };
        let simulation = made.ok_or_else(no_object)?;
        let mut verilated = Self {
            simulation,
            slots: Vec::new(),
            eval,
            free,
            failure,
            trace,
            end_trace,
            coverage,
            _library: library,
        };
        loop {
            let mut info = PortInfo {
                name: std::ptr::null(),
                address: std::ptr::null_mut(),
                bytes: 0,
                width: 0,
                input: 0,
            };
            // SAFETY: the object lives; `info` is valid for the call.
            if unsafe { port(simulation.as_ptr(), verilated.slots.len() as u32, &raw mut info) } == 0 {
                return Ok(verilated);
            }
            // SAFETY: on success the name is a string constant of the library.
            let name = unsafe { CStr::from_ptr(info.name) }.to_string_lossy();
            // Verilator marks names that C++ has a use for.
            let name = name.strip_prefix("__SYM__").unwrap_or(&name).to_owned();
            let address = NonNull::new(info.address).ok_or_else(no_object)?;
            let (bytes, width, input) = (info.bytes as usize, info.width, info.input != 0);
            verilated.slots.push(Slot { name, address, bytes, width, input });
        }
    }

    /// The port with a name and a direction.
    pub(crate) fn port(&self, name: &str, input: bool) -> Option<Port> {
        let index = self.slots.iter().position(|s| s.name == name && s.input == input)?;
        Some(Port { index: index as u32, width: self.slots[index].width, field: None })
    }

    /// The bytes of a port's storage, lowest first. There may be more than its width needs.
    pub(crate) fn bytes(&self, port: Port) -> &[u8] {
        let slot = &self.slots[port.index as usize];
        // SAFETY: shim.cpp gave the address and size of a member of the object, which lives as long
        // as `self`; it is changed only through `&mut self`.
        unsafe { std::slice::from_raw_parts(slot.address.as_ptr(), slot.bytes) }
    }

    /// The bytes of an input's storage. Bits beyond its width must stay zero.
    pub(crate) fn bytes_mut(&mut self, port: Port) -> &mut [u8] {
        let slot = &self.slots[port.index as usize];
        assert!(slot.input, "{} is an output", slot.name);
        // SAFETY: as in `bytes`, and `&mut self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(slot.address.as_ptr(), slot.bytes) }
    }

    /// Evaluates the design. The error is the place of an assertion that failed.
    pub(crate) fn eval(&mut self) -> Result<(), String> {
        // SAFETY: the object lives and is used on this thread alone.
        unsafe { (self.eval)(self.simulation.as_ptr()) };
        // SAFETY: returns null or a string that stays valid until the next call on this thread.
        let place = unsafe { (self.failure)() };
        if place.is_null() {
            return Ok(());
        }
        // SAFETY: not null, see above.
        Err(unsafe { CStr::from_ptr(place) }.to_string_lossy().into_owned())
    }

    /// Starts a waveform. Returns false if the design was built without waveforms.
    pub(crate) fn trace(&mut self, path: &Path) -> bool {
        self.with_path(self.trace, path)
    }

    /// Ends the waveform, if there is one.
    pub(crate) fn end_trace(&mut self) {
        if let Some(end) = self.end_trace {
            // SAFETY: the object lives and is used on this thread alone.
            unsafe { end(self.simulation.as_ptr()) };
        }
    }

    /// Writes the coverage so far. Returns false if the design was built without coverage.
    pub(crate) fn write_coverage(&mut self, path: &Path) -> bool {
        self.with_path(self.coverage, path)
    }

    fn with_path(&mut self, function: ToFile, path: &Path) -> bool {
        let Ok(path) = CString::new(path.as_os_str().as_encoded_bytes()) else { return false };
        // SAFETY: the object lives; the path is a string for the length of the call.
        unsafe { function(self.simulation.as_ptr(), path.as_ptr()) != 0 }
    }
}

impl Drop for Verilated {
    fn drop(&mut self) {
        // SAFETY: the object was made by `lockstep_new` and is not used again; the library is still
        // mapped.
        unsafe { (self.free)(self.simulation.as_ptr()) };
    }
}
