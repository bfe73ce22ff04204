//! Copies from and to mapped pages that may vanish. The kernel copies, so that a page that is gone
//! makes the copy fail: an access of this process to the page would end the process (SIGBUS).
#![allow(unsafe_code)]

use libc::iovec;

/// Copies bytes out of the mapping at an address of this process. Returns whether all were copied.
pub(crate) fn read(from: usize, to: &mut [u8]) -> bool {
    let local = iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote = iovec { iov_base: std::ptr::with_exposed_provenance_mut(from), iov_len: to.len() };
    // SAFETY: `local` is the caller's buffer. The kernel checks each page of `remote`.
    let copied =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(copied) == Ok(to.len())
}

/// Copies bytes into the mapping at an address of this process. Returns whether all were copied.
pub(crate) fn write(to: usize, from: &[u8]) -> bool {
    let local = iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = iovec { iov_base: std::ptr::with_exposed_provenance_mut(to), iov_len: from.len() };
    // SAFETY: the kernel only reads `local`, the caller's buffer, and checks each page of `remote`,
    // a shared mapping into which no reference exists.
    let copied =
        unsafe { libc::process_vm_writev(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(copied) == Ok(from.len())
}
