//! The host's data for one instance.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView, p2::pipe::MemoryOutputPipe};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{outgoing::Outgoing, store::Store};

/// The data of an instance.
pub(crate) struct Host {
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) outgoing: Outgoing,
    pub(crate) store: Store,
    pub(crate) variables: Arc<BTreeMap<String, String>>,
}

impl Host {
    /// The component writes its standard error to `log`, or to that of this process. It sees the
    /// folder `files` as `/`, and cannot write there.
    ///
    /// # Errors
    ///
    /// The folder cannot be opened.
    pub(crate) fn new(
        store: Store,
        variables: Arc<BTreeMap<String, String>>,
        outgoing: Outgoing,
        log: Option<MemoryOutputPipe>,
        files: Option<&Path>,
    ) -> wasmtime::Result<Self> {
        let mut wasi = WasiCtx::builder();
        match log {
            Some(log) => wasi.stderr(log),
            None => wasi.inherit_stderr(),
        };
        if let Some(files) = files {
            wasi.preopened_dir(files, "/", FsPerms::ReadOnly)?;
        }
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outgoing,
            store,
            variables,
        })
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}
