//! The interfaces that Spin gives to a component, implemented in memory.
#![allow(missing_docs, unreachable_pub, reason = "generated from the component's interfaces")]

use wasmtime::component::{Accessor, HasSelf, Resource};

use crate::{
    host::Host,
    store::{Bucket, Down, Swap},
};

wasmtime::component::bindgen!({
    inline: "
        package lockstep:spin-host;
        world host {
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            import spin:variables/variables@3.0.0;
        }
    ",
    path: ["wit/keyvalue", "wit/variables"],
    imports: { default: async | trappable },
    with: {
        "wasi:keyvalue/store.bucket": crate::store::Bucket,
        "wasi:keyvalue/atomics.cas": crate::store::Swap,
    },
});

pub(crate) use spin::variables::variables;
pub(crate) use wasi::keyvalue::{atomics, batch, store};

impl From<Down> for store::Error {
    fn from(_: Down) -> Self {
        Self::Other("the test has it fail".into())
    }
}

type Records = Vec<(String, Option<Vec<u8>>)>;

impl store::Host for Host {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Bucket>, store::Error>> {
        if name != "default" {
            return Ok(Err(store::Error::NoSuchStore));
        }
        Ok(Ok(self.table.push(Bucket)?))
    }
}

impl store::HostBucket for Host {
    async fn get(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, store::Error>> {
        self.store.pause().await;
        Ok(self.store.get(&key).map_err(Into::into))
    }

    async fn delete(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        self.store.pause().await;
        Ok(self.store.delete(&key).map_err(Into::into))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Host {
    async fn increment(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, store::Error>> {
        self.store.pause().await;
        Ok(self.store.increment(key, delta)?.map_err(Into::into))
    }

    async fn swap(
        &mut self,
        cas: Resource<Swap>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        self.store.pause().await;
        // The component has given its handle away, and Spin keeps it until the instance ends.
        let swap = self.table.get(&cas)?;
        Ok(match self.store.swap(swap, value) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let seen = self.store.get(&swap.key);
                let mut newer = self.store.handle(swap.key.clone());
                if let Ok(value) = seen {
                    newer.see(value);
                }
                Err(atomics::CasError::CasFailed(self.table.push(newer)?))
            }
            Err(error) => Err(atomics::CasError::StoreError(error.into())),
        })
    }
}

impl atomics::HostCas for Host {
    async fn new(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Resource<Swap>, store::Error>> {
        Ok(Ok(self.table.push(self.store.handle(key))?))
    }

    async fn current(
        &mut self,
        cas: Resource<Swap>,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, store::Error>> {
        self.store.pause().await;
        let swap = self.table.get_mut(&cas)?;
        let value = self.store.get(&swap.key);
        if let Ok(value) = &value {
            swap.see(value.clone());
        }
        Ok(value.map_err(Into::into))
    }

    async fn drop(&mut self, cas: Resource<Swap>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl batch::Host for Host {
    async fn get_many(
        &mut self,
        _: Resource<Bucket>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<Records, store::Error>> {
        self.store.pause().await;
        // Spin's own store leaves out the keys that it does not have.
        let get = |key: String| Ok(self.store.get(&key)?.map(|value| (key, Some(value))));
        let found = keys.into_iter().filter_map(|key| get(key).transpose());
        Ok(found.collect::<Result<_, Down>>().map_err(Into::into))
    }

    async fn set_many(
        &mut self,
        _: Resource<Bucket>,
        records: Vec<(String, Vec<u8>)>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        self.store.pause().await;
        let written = records.into_iter().try_for_each(|(key, value)| self.store.set(key, value));
        Ok(written.map_err(Into::into))
    }

    async fn delete_many(
        &mut self,
        _: Resource<Bucket>,
        keys: Vec<String>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        self.store.pause().await;
        Ok(keys.iter().try_for_each(|key| self.store.delete(key)).map_err(Into::into))
    }
}

impl variables::Host for Host {}

impl<T> variables::HostWithStore<T> for HasSelf<Host> {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, variables::Error>> {
        // As where a provider of variables is asked: other requests of the instance go on.
        tokio::task::yield_now().await;
        let value = accessor.with(|mut host| host.get().variables.get(&name).cloned());
        Ok(value.ok_or(variables::Error::Undefined(name)))
    }
}
