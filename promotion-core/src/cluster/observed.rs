//! What a stage's cluster says, read in four rounds at most: what the configuration names, then what that names,
//! and the charts that the releases among that name.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::pin::pinned;
use super::trouble::{Fault, ObjectRef};
use super::{Alert, Canary, Chart, Event, HelmRelease, Kustomization, Provider, Source, Status, Trouble};
use crate::concurrently::{all, both};
use crate::evidence::{Evidence, EvidenceKind};
use crate::ports::cluster::{Cluster, Kind, Object, ObjectName, Reading};
use crate::time::Timestamp;

/// Where a stage runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// The stage.
    pub stage: String,
    /// The kubeconfig's context, for commands that are printed.
    pub context: Option<String>,
    /// The namespace of its Flux objects.
    pub namespace: String,
    /// The `OCIRepository`; the one that the Kustomization applies where it is not named.
    pub source: Option<String>,
    /// The Kustomization; the one that applies the source where it is not named.
    pub kustomization: Option<String>,
}

impl Site {
    /// An object of the stage.
    #[must_use]
    pub fn object(&self, kind: Kind, name: &ObjectName) -> ObjectRef {
        ObjectRef { context: self.context.clone(), kind, name: name.clone() }
    }

    fn named(&self, name: &str) -> ObjectName {
        ObjectName::new(&*self.namespace, name)
    }
}

/// What a stage's cluster says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Where.
    pub site: Site,
    /// When it was asked.
    pub at: Timestamp,
    /// Whether what it said is of then.
    pub live: bool,
    /// What it follows, by name.
    pub source: (ObjectName, Reading<Source>),
    /// What it applies, by name.
    pub kustomization: (ObjectName, Reading<Kustomization>),
    /// What must be ready before.
    pub dependencies: Vec<(ObjectName, Reading<Kustomization>)>,
    /// The releases among what it applied.
    pub releases: Vec<(ObjectName, Reading<HelmRelease>)>,
    /// Where those take their charts from.
    pub charts: Vec<((Kind, ObjectName), Reading<Chart>)>,
    /// The canaries among what it applied; where there are none, those beside the Flux objects.
    pub canaries: Reading<Vec<Canary>>,
    /// Who listens.
    pub alerts: Reading<Vec<Alert>>,
    /// Whereto.
    pub providers: Reading<Vec<Provider>>,
    /// What happened to any of them lately.
    pub events: Reading<Vec<Event>>,
}

impl Observed {
    /// Reads everything that the diagnosis looks at: the source, the Kustomization, alerts, providers, canaries and events of the
    /// namespace; then each dependency, and the releases of each namespace in the inventory; then what these take their charts
    /// from, kind by kind and namespace by namespace. Nothing is written.
    pub async fn read(cluster: &dyn Cluster, site: Site, now: Timestamp) -> Self {
        let namespace = &*site.namespace;
        let (objects, listings) = both(
            both(named_source(cluster, &site), named_kustomization(cluster, &site)),
            both(
                both(cluster.list(Kind::Alert, namespace), cluster.list(Kind::Provider, namespace)),
                both(cluster.list(Kind::Canary, namespace), cluster.list(Kind::Event, namespace)),
            ),
        )
        .await;
        let ((source, kustomization), ((alerts, providers), (canaries, events))) = (objects, listings);
        let (source, kustomization) = match (source, kustomization) {
            (Some(source), Some(kustomization)) => (source, kustomization),
            (Some(source), None) => {
                let found = that_applies(cluster, &site, &source.0).await;
                (source, found)
            }
            (None, Some(kustomization)) => {
                let found = that_is_applied(cluster, &site, &kustomization).await;
                (found, kustomization)
            }
            (None, None) => ((site.named("?"), untold()), (site.named("?"), untold())),
        };
        let applied = kustomization.1.as_ref().known();
        let depends_on = applied.map(|found| found.depends_on.clone()).unwrap_or_default();
        let inventory = applied.map(|found| found.inventory.clone()).unwrap_or_default();
        let (dependencies, releases) =
            both(all(depends_on.iter().map(|name| dependency(cluster, name))), releases(cluster, &inventory)).await;
        let (charts, applied) = both(charts(cluster, &releases), applied_canaries(cluster, &inventory)).await;
        let canaries = match applied {
            Some(applied) => applied,
            None => canaries,
        };
        Self {
            at: now,
            live: cluster.is_live(),
            source,
            kustomization,
            dependencies,
            releases,
            charts,
            canaries: each(canaries, Canary::of),
            alerts: each(alerts, Alert::of),
            providers: each(providers, Provider::of),
            events: each(events, Event::of),
            site,
        }
    }

    /// What the cluster proves of the digest of this repository that it applied, of these kinds; and what stands in the way of the
    /// others. What somebody exported proves it of no known time.
    #[must_use]
    pub fn evidence(&self, repository: &str, kinds: &[EvidenceKind]) -> (Vec<Evidence>, Vec<Trouble>) {
        let (mut evidence, mut troubles) = (Vec::new(), Vec::new());
        if let Some(trouble) = self.follows_another(repository) {
            return (evidence, alloc::vec![trouble]);
        }
        let (name, reading) = &self.kustomization;
        let object = self.site.object(Kind::Kustomization, name);
        if let Some(last) = self.silent_since() {
            return (evidence, alloc::vec![Trouble { object, fault: Fault::Silent { last } }]);
        }
        let applied = match reading {
            Reading::Known(found) => found.evidence(&self.site.stage, self.live.then_some(self.at)),
            Reading::Absent | Reading::Unknown(_) => None,
        };
        let Some(applied) = applied else {
            // Ready, and without a revision, or at work on another one.
            let applied = reading.as_ref().known().and_then(|found| found.applied.clone());
            let unapplied = || Trouble { object, fault: Fault::NotApplied { applied } };
            troubles.push(self.not_running().unwrap_or_else(unapplied));
            return (evidence, troubles);
        };
        for kind in kinds {
            let trouble = match kind {
                EvidenceKind::Kustomization => None,
                EvidenceKind::HelmRelease if self.releases.is_empty() => Some(missing(&object, Kind::HelmRelease)),
                EvidenceKind::HelmRelease => self.unready_release(true),
                EvidenceKind::Canary => self.unhealthy_canary(true).or_else(|| self.untried_canary()),
                EvidenceKind::Analysis | EvidenceKind::Manual => continue,
            };
            match trouble {
                Some(trouble) => troubles.push(trouble),
                None => evidence.push(Evidence { kind: *kind, ..applied.clone() }),
            }
        }
        (evidence, troubles)
    }

    /// What is wrong with the source, whatever artifact it is about: it does not move, or selects by another constraint than
    /// the declared one.
    #[must_use]
    pub fn source_trouble(&self, declared: &str) -> Option<Trouble> {
        let (name, reading) = &self.source;
        let fault = match reading {
            Reading::Absent => Fault::Absent,
            Reading::Unknown(why) => Fault::Unreadable { why: why.clone() },
            Reading::Known(source) if source.suspended => Fault::Suspended,
            Reading::Known(source) => match (pinned(source), source.reference.semver.as_deref()) {
                (Some(to), _) => Fault::Pinned { to },
                (None, None) => Fault::FollowsNothing,
                (None, Some(semver)) if same_constraint(semver, declared) => return None,
                (None, Some(semver)) => {
                    Fault::DeclaredOtherwise { deployed: semver.to_string(), declared: declared.to_string() }
                }
            },
        };
        Some(Trouble { object: self.site.object(Kind::OciRepository, name), fault })
    }

    /// What is wrong with how the stage is set up, whatever runs there: the source, of this repository where it is known, and for a
    /// `gate` whether its Kustomization waits for health and success is announced.
    #[must_use]
    pub fn lint(&self, repository: Option<&str>, declared: &str, gate: bool) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = self.source_trouble(declared).into_iter().collect();
        if troubles.is_empty() {
            troubles.extend(repository.and_then(|repository| self.follows_another(repository)));
        }
        if !gate {
            return troubles;
        }
        if let (name, Reading::Known(found)) = &self.kustomization
            && !found.checks_health
        {
            let object = self.site.object(Kind::Kustomization, name);
            troubles.push(Trouble { object, fault: Fault::IgnoresHealth });
        }
        troubles.extend(self.announces().err().map(|trouble| *trouble));
        troubles
    }

    /// Whether the stage's objects belong together: its source follows this repository, and its Kustomization applies that source.
    #[must_use]
    pub fn follows_another(&self, repository: &str) -> Option<Trouble> {
        let (name, reading) = &self.source;
        let of_source = |fault: Fault| Some(Trouble { object: self.site.object(Kind::OciRepository, name), fault });
        match reading {
            Reading::Absent => return of_source(Fault::Absent),
            Reading::Unknown(why) => return of_source(Fault::Unreadable { why: why.clone() }),
            Reading::Known(source) if source.url != repository => {
                return of_source(Fault::Elsewhere { url: source.url.clone(), expected: repository.to_string() });
            }
            Reading::Known(_) => {}
        }
        match &self.kustomization {
            (of, Reading::Known(found)) if found.source.as_ref() != Some(name) => Some(Trouble {
                object: self.site.object(Kind::Kustomization, of),
                fault: Fault::FollowsAnother { source: found.source.clone(), expected: name.clone() },
            }),
            _ => None,
        }
    }

    /// The first canary that has not run since the Kustomization became ready: it tried what was there before.
    fn untried_canary(&self) -> Option<Trouble> {
        let ready = self.kustomization.1.as_ref().known()?.ready()?.since?;
        let canaries = self.canaries.as_ref().known()?;
        let untried = canaries.iter().find(|canary| canary.last_run.is_none_or(|last| last < ready))?;
        let fault = Fault::CanaryStale { last_run: untried.last_run };
        Some(Trouble { object: self.site.object(Kind::Canary, &untried.name), fault })
    }

    /// The first release that is not ready, or ready with a chart that has changed since. An exported folder may lack what
    /// it takes its chart from, which matters only when that is `needed`.
    #[must_use]
    pub fn unready_release(&self, needed: bool) -> Option<Trouble> {
        self.releases.iter().find_map(|(name, reading)| {
            let object = self.site.object(Kind::HelmRelease, name);
            let fault = match reading {
                Reading::Absent => Fault::Absent,
                Reading::Unknown(why) => Fault::Unreadable { why: why.clone() },
                Reading::Known(release) if release.is_ready() => {
                    return self.chart_trouble(release, needed || self.live);
                }
                Reading::Known(release) if release.suspended => Fault::Suspended,
                Reading::Known(release) if !release.current => Fault::OldStatus,
                Reading::Known(release) => not_ready(release.ready()),
            };
            Some(Trouble { object, fault })
        })
    }

    /// What makes a release's being ready old news: its chart has changed, and it has not moved yet.
    fn chart_trouble(&self, release: &HelmRelease, needed: bool) -> Option<Trouble> {
        let chart = release.chart.as_ref()?;
        let (_, reading) = self.charts.iter().find(|(named, _)| named == chart)?;
        let named = self.site.object(chart.0, &chart.1);
        let of_release = |fault| Trouble { object: self.site.object(Kind::HelmRelease, &release.name), fault };
        match reading {
            Reading::Absent | Reading::Unknown(_) if !needed => None,
            Reading::Absent => Some(of_release(Fault::ChartAbsent { chart: named })),
            Reading::Unknown(why) => Some(of_release(Fault::ChartUnknown { chart: named, why: why.clone() })),
            Reading::Known(chart) => match chart.fault() {
                Some(fault) => Some(Trouble { object: named, fault }),
                None => chart.is_ahead_of(release).map(of_release),
            },
        }
    }

    /// The first canary that fails or is stale; with `needed`, that there is none is a trouble too.
    #[must_use]
    pub fn unhealthy_canary(&self, needed: bool) -> Option<Trouble> {
        let nowhere = self.site.object(Kind::Canary, &self.site.named("*"));
        let canaries = match &self.canaries {
            Reading::Known(canaries) => canaries.as_slice(),
            Reading::Absent => &[],
            Reading::Unknown(why) if needed || self.live => {
                return Some(Trouble { object: nowhere, fault: Fault::Unreadable { why: why.clone() } });
            }
            Reading::Unknown(_) => return None,
        };
        if canaries.is_empty() && needed {
            return Some(Trouble { object: nowhere, fault: Fault::Absent });
        }
        canaries.iter().find_map(|canary| {
            let fault = match canary.passed {
                _ if canary.suspended => Fault::Suspended,
                _ if !canary.current => Fault::OldStatus,
                _ if canary.is_stale(self.at) => Fault::CanaryStale { last_run: canary.last_run },
                Some(true) => return None,
                _ => Fault::CanaryFails { message: canary.message.clone(), since: canary.last_run },
            };
            Some(Trouble { object: self.site.object(Kind::Canary, &canary.name), fault })
        })
    }

    /// Why the Kustomization is not ready; `None` when it is.
    #[must_use]
    pub fn not_running(&self) -> Option<Trouble> {
        let (name, reading) = &self.kustomization;
        let fault = match reading {
            Reading::Absent => Fault::Absent,
            Reading::Unknown(why) => Fault::Unreadable { why: why.clone() },
            Reading::Known(found) if found.suspended => Fault::Suspended,
            Reading::Known(found) if found.is_ready() => Fault::Silent { last: self.silent_since()? },
            Reading::Known(found) if !found.current => Fault::OldStatus,
            Reading::Known(found) => {
                let waits = found.ready().is_some_and(|ready| ready.reason == "DependencyNotReady");
                let dependency = if waits { self.waits_for() } else { None };
                dependency.unwrap_or_else(|| not_ready(found.ready()))
            }
        };
        Some(Trouble { object: self.site.object(Kind::Kustomization, name), fault })
    }

    /// Since when nobody has looked at the Kustomization that is ready; of what somebody exported nobody can tell.
    fn silent_since(&self) -> Option<Timestamp> {
        let found = self.kustomization.1.as_ref().known()?;
        found.silent_since(self.at).filter(|_| self.live && found.is_ready())
    }

    /// The first dependency that is not ready.
    fn waits_for(&self) -> Option<Fault> {
        self.dependencies.iter().find_map(|(name, reading)| {
            let said = match reading {
                Reading::Known(other) if other.current && other.ready().is_some_and(|of| of.status == Status::True) => {
                    return None;
                }
                Reading::Known(other) => {
                    let why = other.ready().map(|ready| ready.message.clone()).unwrap_or_default();
                    alloc::format!("is not ready: {why}")
                }
                Reading::Absent => "does not exist".into(),
                Reading::Unknown(why) => alloc::format!("is unknown: {why}"),
            };
            Some(Fault::DependencyNotReady { dependency: name.clone(), said })
        })
    }
}

/// Whether two constraints are written alike; blanks around operators say nothing.
#[must_use]
pub fn same_constraint(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String { text.chars().filter(|letter| !letter.is_whitespace()).collect() };
    one == other || plain(one) == plain(other)
}

fn untold<T>() -> Reading<T> {
    Reading::Unknown("clusters names neither a source nor a kustomization".into())
}

fn not_ready(ready: Option<&super::Condition>) -> Fault {
    let ready = ready.cloned().unwrap_or_default();
    let message = if ready.message.is_empty() { "it has no Ready condition yet".into() } else { ready.message };
    Fault::NotReady { reason: ready.reason, message, since: ready.since }
}

fn missing(beside: &ObjectRef, kind: Kind) -> Trouble {
    let name = ObjectName::new(&*beside.name.namespace, "*");
    Trouble { object: ObjectRef { kind, name, ..beside.clone() }, fault: Fault::Absent }
}

type Named<T> = (ObjectName, Reading<T>);

async fn named_source(cluster: &dyn Cluster, site: &Site) -> Option<Named<Source>> {
    let name = site.named(site.source.as_deref()?);
    let read = cluster.get(Kind::OciRepository, &name).await.and_then(|object| Source::of(&object));
    Some((name, read))
}

async fn named_kustomization(cluster: &dyn Cluster, site: &Site) -> Option<Named<Kustomization>> {
    Some(dependency(cluster, &site.named(site.kustomization.as_deref()?)).await)
}

async fn dependency(cluster: &dyn Cluster, name: &ObjectName) -> Named<Kustomization> {
    let read = cluster.get(Kind::Kustomization, name).await.and_then(|object| Kustomization::of(&object));
    (name.clone(), read)
}

/// The Kustomization that applies a source; it is unknown which where several do.
async fn that_applies(cluster: &dyn Cluster, site: &Site, source: &ObjectName) -> Named<Kustomization> {
    let all = each(cluster.list(Kind::Kustomization, &site.namespace).await, Kustomization::of);
    let found = match all {
        Reading::Known(all) => {
            let mut following = all.into_iter().filter(|one| one.source.as_ref() == Some(source));
            match (following.next(), following.count()) {
                (None, _) => Reading::Absent,
                (Some(one), 0) => Reading::Known(one),
                (Some(one), more) => Reading::Unknown(alloc::format!(
                    "{} Kustomizations apply {source}, {} among them; name one under clusters",
                    more + 1,
                    one.name.name
                )),
            }
        }
        Reading::Absent => Reading::Absent,
        Reading::Unknown(why) => Reading::Unknown(why),
    };
    let name = found.as_ref().known().map_or_else(|| site.named("*"), |one| one.name.clone());
    (name, found)
}

async fn that_is_applied(cluster: &dyn Cluster, site: &Site, by: &Named<Kustomization>) -> Named<Source> {
    match &by.1 {
        Reading::Known(found) => match &found.source {
            Some(name) => {
                let read = cluster.get(Kind::OciRepository, name).await.and_then(|object| Source::of(&object));
                (name.clone(), read)
            }
            None => (site.named("*"), Reading::Absent),
        },
        Reading::Absent => (site.named("*"), Reading::Unknown(alloc::format!("there is no Kustomization {}", by.0))),
        Reading::Unknown(why) => (site.named("*"), Reading::Unknown(why.clone())),
    }
}

/// The releases of an inventory.
async fn releases(cluster: &dyn Cluster, inventory: &BTreeSet<(Kind, ObjectName)>) -> Vec<Named<HelmRelease>> {
    let wanted = inventory.iter().filter(|(kind, _)| *kind == Kind::HelmRelease).cloned().collect();
    let found = by_listing(cluster, wanted, HelmRelease::of).await;
    found.into_iter().map(|((_, name), reading)| (name, reading)).collect()
}

/// What the releases that are ready take their charts from; of the others it is of no interest.
async fn charts(cluster: &dyn Cluster, releases: &[Named<HelmRelease>]) -> Vec<((Kind, ObjectName), Reading<Chart>)> {
    let ready =
        releases.iter().filter_map(|(_, reading)| reading.as_ref().known()).filter(|release| release.is_ready());
    by_listing(cluster, ready.filter_map(|release| release.chart.clone()).collect(), Chart::of).await
}

/// Objects by name, with one listing for each of their kinds and namespaces.
async fn by_listing<T>(
    cluster: &dyn Cluster,
    wanted: BTreeSet<(Kind, ObjectName)>,
    read: impl Fn(&Object) -> Result<T, String>,
) -> Vec<((Kind, ObjectName), Reading<T>)> {
    let places: BTreeSet<(Kind, String)> = wanted.iter().map(|(kind, name)| (*kind, name.namespace.clone())).collect();
    let listed = all(places.iter().map(|(kind, namespace)| cluster.list(*kind, namespace))).await;
    let listed: BTreeMap<(Kind, String), Reading<Vec<Object>>> = places.into_iter().zip(listed).collect();
    let reading = |(kind, name): &(Kind, ObjectName)| match listed.get(&(*kind, name.namespace.clone())) {
        Some(Reading::Known(all)) => match all.iter().find(|object| object.name == *name) {
            Some(object) => Reading::Known(object).and_then(&read),
            None => Reading::Absent,
        },
        Some(Reading::Unknown(why)) => Reading::Unknown(why.clone()),
        Some(Reading::Absent) | None => Reading::Absent,
    };
    wanted
        .into_iter()
        .map(|name| {
            let found = reading(&name);
            (name, found)
        })
        .collect()
}

/// The canaries of an inventory, with one listing for each of their namespaces; `None` when it has none. One that is gone makes
/// them all unknown.
async fn applied_canaries(
    cluster: &dyn Cluster,
    inventory: &BTreeSet<(Kind, ObjectName)>,
) -> Option<Reading<Vec<Object>>> {
    let names = inventory.iter().filter(|(kind, _)| *kind == Kind::Canary).map(|(_, name)| name);
    let names: Vec<&ObjectName> = names.collect();
    let namespaces: BTreeSet<&str> = names.iter().map(|name| &*name.namespace).collect();
    let listed = all(namespaces.iter().map(|namespace| cluster.list(Kind::Canary, namespace))).await;
    let mut objects = Vec::new();
    for reading in listed {
        match reading {
            Reading::Known(some) => objects.extend(some),
            unknown => return Some(unknown),
        }
    }
    objects.retain(|object| names.contains(&&object.name));
    match names.iter().find(|name| !objects.iter().any(|object| object.name == ***name)) {
        Some(gone) => Some(Reading::Unknown(alloc::format!("Canary {gone} was applied and is gone"))),
        None => (!names.is_empty()).then_some(Reading::Known(objects)),
    }
}

/// Reads each object; one that cannot be read makes the listing unknown.
fn each<T>(listing: Reading<Vec<Object>>, read: impl Fn(&Object) -> Result<T, String>) -> Reading<Vec<T>> {
    listing.and_then(|objects| objects.iter().map(read).collect())
}
