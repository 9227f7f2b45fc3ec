//! A lease with real clocks and a paused process: never two writers.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};

use promotion_cluster::testing::{ControlPlane, Identity};
use promotion_registry::testing::fake::{FakeRegistry, Quirks};
use promotion_registry::testing::proxy::Proxy;

use crate::support::{Run, Site, revision, text};

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success(), "kill -{name} {process}");
}

#[test]
#[ignore = "needs kube-apiserver and etcd: scripts/components"]
fn a_writer_that_was_paused_for_too_long_writes_nothing_more() {
    let plane = ControlPlane::start();
    let registry = FakeRegistry::start(Quirks::default());
    let proxy = Proxy::before(&registry.host());
    let site = Site::new();
    let kubeconfig = plane.kubeconfig(Identity::Admin);
    site.write("promotion.yaml", "clusters: { live: { context: admin } }\n");
    let command = |host: &str, arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env("KUBECONFIG", &kubeconfig).env("PROMOTION_LOCK", "lease:default/promotion");
        command.env("PROMOTION_PLAIN_HTTP", "true");
        command.env("PROMOTION_REPOSITORY", format!("oci://{host}/acme/platform"));
        command
    };
    let direct = |arguments: &[&str]| Run::of(&mut command(&registry.host(), arguments));
    let app = site.app("1");
    let nowhere = Run::of(command(&registry.host(), &["repair"]).args(["--config", "/dev/null"]));
    assert_eq!(nowhere.code, 1, "{}", nowhere.stderr);
    assert!(nowhere.stderr.contains("nothing says in which cluster"), "{}", nowhere.stderr);
    let pushed = direct(&["push", "--path", &app, "--revision", &revision(1), "-o", "json"]);
    assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    let digest = text(&pushed.value()["digest"]).to_owned();
    let lease = plane.get("lease", "default/promotion").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "", "it was given back");

    // Stopped between its look at the release, which is absent, and the write of it.
    let (process, (stopped, wait)) = (Arc::new(AtomicU32::new(0)), mpsc::channel());
    let victim = Arc::clone(&process);
    proxy.fault(move |_, exchange| {
        if exchange.method == "HEAD"
            && exchange.path.ends_with("/manifests/0.1.0")
            && victim.load(Ordering::Acquire) > 0
        {
            signal("STOP", victim.swap(0, Ordering::AcqRel));
            stopped.send(()).unwrap();
        }
        None
    });
    let mut paused = command(&proxy.host(), &["promote", &digest, "--manual", "--reason", "seen"]);
    let child = paused.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.store(child.id(), Ordering::Release);
    wait.recv().unwrap();

    // Who comes next waits until the lease has expired, and no longer.
    let rejected = direct(&["reject", &digest, "--reason", "data loss"]);
    assert_eq!(rejected.code, 0, "{}", rejected.stderr);
    assert!(rejected.stderr.contains("who holds Lease default/promotion"), "{}", rejected.stderr);

    signal("CONT", child.id());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("keep Lease default/promotion: it was lost"), "{told}");
    let released = direct(&["resolve", "--semver", ">= 0.0.0"]);
    assert_eq!(released.code, 5, "nothing was released: {}{}", released.stdout, released.stderr);
}
