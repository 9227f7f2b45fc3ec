//! What tests of registries share: a registry in the process, a proxy that counts and breaks exchanges, and real servers
//! on loopback.
