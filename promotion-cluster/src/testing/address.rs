//! An address of loopback for one cluster alone.

use std::net::{Ipv4Addr, TcpListener};

/// The ports of a cluster, the same for each: they are known before anything starts, and objects that name them look alike.
pub(super) const ETCD: u16 = 2379;
pub(super) const ETCD_PEER: u16 = 2380;
pub(super) const API: u16 = 6443;
pub(super) const ARTIFACTS: u16 = 9790;
pub(super) const EVENTS: u16 = 9791;
pub(super) const RECEIVER: u16 = 9792;
pub(super) const HEALTH: [u16; 4] = [9793, 9794, 9795, 9796];
/// Whoever listens here has the address.
const CLAIM: u16 = 9799;

/// All of 127.0.0.0/8 is loopback on Linux. A port that the kernel chooses would be known only after a server has started,
/// and these must tell each other where they are on their command lines.
#[derive(Debug)]
pub(super) struct Address {
    ip: Ipv4Addr,
    _claim: TcpListener,
}

impl Address {
    /// The first address that nobody has.
    pub(super) fn claim() -> Self {
        let addresses = (1..=u8::MAX).map(|last| Ipv4Addr::new(127, 77, 0, last));
        let free = addresses.filter_map(|ip| Some(Self { ip, _claim: TcpListener::bind((ip, CLAIM)).ok()? }));
        // What a test left behind when it was killed may still run there.
        let mut unused = free.filter(|address| {
            let mut ports = [ETCD, ETCD_PEER, API, ARTIFACTS, EVENTS, RECEIVER].into_iter().chain(HEALTH);
            ports.all(|port| TcpListener::bind((address.ip, port)).is_ok())
        });
        unused.next().expect("a free address in 127.77.0.0/24; only Linux has them")
    }

    /// `ADDRESS:PORT`.
    pub(super) fn at(&self, port: u16) -> String {
        format!("{}:{port}", self.ip)
    }

    pub(super) fn ip(&self) -> String {
        self.ip.to_string()
    }
}
