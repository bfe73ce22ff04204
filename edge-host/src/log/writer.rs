//! Writes lines to a file that may be full, slow or gone.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::{Errno, retry_on_intr, write},
};

use super::lines::{Batch, count};

/// Writes to a descriptor. After a failure it says how many lines are missing, once it can.
pub(super) struct Writer<F> {
    file: F,
    /// Lines that no write took, and that the file does not mention yet.
    lost: u64,
    /// Whether the file ends within a line.
    within: bool,
}

impl<F: AsFd> Writer<F> {
    pub(super) fn new(file: F) -> Self {
        Self { file, lost: 0, within: false }
    }

    /// Writes lines. Waits as long as the file's reader does.
    pub(super) fn write(&mut self, batch: &Batch) {
        self.report();
        let text = batch.text.as_bytes();
        let written = self.put(text);
        // The line that was cut is lost, too.
        self.lost += count(&text[written..]) + batch.lost;
        self.report();
    }

    /// Mentions the lines that are lost.
    fn report(&mut self) {
        if self.lost > 0 {
            let end = if self.within { "\n" } else { "" };
            let text = format!("{end}edge-host: {} lines of this log are lost\n", self.lost);
            if self.put(text.as_bytes()) == text.len() {
                self.lost = 0;
            }
        }
    }

    /// Writes as much as the file takes; gives the number of bytes.
    fn put(&mut self, text: &[u8]) -> usize {
        let mut written = 0;
        while written < text.len() {
            match retry_on_intr(|| write(&self.file, &text[written..])) {
                Ok(0) => break,
                Ok(count) => written += count,
                // Another process has made the terminal or the pipe non-blocking.
                Err(Errno::AGAIN) if writable(self.file.as_fd()).is_ok() => {}
                Err(_) => break,
            }
        }
        if let Some(last) = text[..written].last() {
            self.within = *last != b'\n';
        }
        written
    }
}

/// Waits until a write would take something or fail.
fn writable(file: BorrowedFd<'_>) -> io::Result<()> {
    retry_on_intr(|| poll(&mut [PollFd::from_borrowed_fd(file, PollFlags::OUT)], None))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        fs::File,
        io::{Read, pipe},
        os::fd::OwnedFd,
        thread,
    };

    use super::*;

    fn batch(text: &str, lost: u64) -> Batch {
        Batch { text: text.to_owned(), lost }
    }

    #[test]
    fn a_full_disk_is_mentioned_when_there_is_room_again() {
        let mut writer = Writer::new(OwnedFd::from(File::options().write(true).open("/dev/full").unwrap()));
        writer.write(&batch("one\ntwo\n", 0));
        writer.write(&batch("three\n", 4));
        let (mut reader, file) = pipe().unwrap();
        writer.file = file.into();
        writer.write(&batch("four\n", 2));
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let lost = |count| format!("edge-host: {count} lines of this log are lost\n");
        assert_eq!(text, format!("{}four\n{}", lost(7), lost(2)));
    }

    #[test]
    fn a_line_that_was_cut_is_ended() {
        let (mut reader, file) = pipe().unwrap();
        let mut writer = Writer { file, lost: 3, within: true };
        writer.write(&batch("four\n", 0));
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\nedge-host: 3 lines of this log are lost\nfour\n");
    }

    #[test]
    fn a_pipe_that_does_not_block_gets_every_line() {
        let (mut reader, file) = pipe().unwrap();
        let flags = rustix::fs::fcntl_getfl(&file).unwrap() | rustix::fs::OFlags::NONBLOCK;
        rustix::fs::fcntl_setfl(&file, flags).unwrap();
        let text = "a line of some bytes\n".repeat(20_000);
        thread::scope(|scope| {
            scope.spawn(|| Writer::new(file).write(&batch(&text, 0)));
            let mut read = String::new();
            reader.read_to_string(&mut read).unwrap();
            assert!(read == text, "{} of {} bytes", read.len(), text.len());
        });
    }

    #[test]
    fn a_reader_that_is_gone_costs_the_lines() {
        let (reader, file) = pipe().unwrap();
        drop(reader);
        let mut writer = Writer::new(file);
        writer.write(&batch("one\ntwo\n", 1));
        assert_eq!(writer.lost, 3);
    }
}
