//! `index.json` as a value: what is ours is understood, what is not is kept as its exact text.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use promotion_core::manifest::Descriptor;
use promotion_core::ports::Listing;
use promotion_core::{Digest, Tag};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Annotation with the tag (OCI image layout specification, "Indexes").
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The index of a new layout.
pub(crate) const EMPTY: &[u8] =
    b"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}\n";

/// A JSON object in its own order, with the members' exact text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object(pub(crate) Vec<(String, Box<RawValue>)>);

/// What an entry points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Sha256(Digest),
    /// An algorithm that the core does not have (`sha512:…`).
    Other(String),
}

/// One descriptor of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    raw: Box<RawValue>,
    pub(crate) target: Target,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    /// [`REF_NAME`].
    pub(crate) name: Option<String>,
}

/// The whole index, immutable; an [`Edit`] makes the next one.
#[derive(Debug)]
pub(crate) struct Index {
    top: Object,
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) listing: Listing,
    tags: HashMap<Tag, usize>,
    digests: HashMap<Digest, usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryFields {
    media_type: Option<String>,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Index {
    /// Reads an index; the error says what is wrong, in words that follow the file's path.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err(format!("the file is empty, so it was torn by a crash or a full disk; {RESTORE}"));
        }
        let top: Object = serde_json::from_slice(bytes).map_err(|error| {
            let why = if error.is_eof() {
                "the text ends too early, so the file is torn"
            } else {
                "the text is not a JSON object"
            };
            format!("{why}: {error}; {RESTORE}")
        })?;
        match top.unique("schemaVersion")?.map(RawValue::get) {
            Some("2") => {}
            Some(other) => return Err(format!("schemaVersion is {other}, expected 2")),
            None => return Err("schemaVersion is missing, expected 2".to_owned()),
        }
        let manifests = top.unique("manifests")?.ok_or("the list \"manifests\" is missing")?;
        let raws: Option<Vec<Box<RawValue>>> =
            serde_json::from_str(manifests.get()).map_err(|error| format!("\"manifests\" is not a list: {error}"))?;
        let entries = raws
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(at, raw)| Entry::parse(raw).map(Arc::new).map_err(|why| format!("manifests[{at}]: {why}")));
        let entries = entries.collect::<Result<Vec<_>, String>>()?;
        Self::build(top, entries)
    }

    fn build(top: Object, entries: Vec<Arc<Entry>>) -> Result<Self, String> {
        let mut listing = Listing::default();
        let mut tags: HashMap<Tag, usize> = HashMap::with_capacity(entries.len());
        let mut digests = HashMap::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            if let Target::Sha256(digest) = entry.target {
                digests.entry(digest).or_insert(at);
            }
            let Some(name) = &entry.name else { continue };
            let Ok(tag) = name.parse::<Tag>() else {
                listing.not_tags.push(name.clone());
                continue;
            };
            let first = *tags.entry(tag.clone()).or_insert(at);
            if entries[first].target != entry.target {
                return Err(format!(
                    "manifests[{first}] and manifests[{at}] both have the tag {tag}, for {} and {}; remove the wrong one",
                    entries[first].target, entry.target
                ));
            }
            listing.tags.push(tag);
        }
        Ok(Self { top, entries, listing, tags, digests })
    }

    /// The entry with this tag.
    pub(crate) fn tag(&self, tag: &Tag) -> Option<&Entry> {
        self.tags.get(tag).and_then(|at| self.entries.get(*at)).map(Arc::as_ref)
    }

    /// The first entry with this digest.
    pub(crate) fn digest(&self, digest: Digest) -> Option<&Entry> {
        self.digests.get(&digest).and_then(|at| self.entries.get(*at)).map(Arc::as_ref)
    }

    /// The text of `index.json`: members and entries in their order, an entry per line.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::from("{");
        for (at, (key, value)) in self.top.0.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "," });
            text.push_str(&quote(key));
            text.push(':');
            if key == "manifests" {
                text.push('[');
                for (at, entry) in self.entries.iter().enumerate() {
                    text.push_str(if at == 0 { "\n" } else { ",\n" });
                    text.push_str(entry.raw.get());
                }
                text.push_str(if self.entries.is_empty() { "]" } else { "\n]" });
            } else {
                text.push_str(value.get());
            }
        }
        text.push_str("}\n");
        text.into_bytes()
    }
}

const RESTORE: &str = "restore index.json from a copy (the blobs are untouched)";

impl Entry {
    fn parse(raw: Box<RawValue>) -> Result<Self, String> {
        let fields: EntryFields = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let target = match fields.digest.split_once(':') {
            Some((algorithm, _)) if !algorithm.is_empty() && algorithm != "sha256" => Target::Other(fields.digest),
            _ => Target::Sha256(fields.digest.parse().map_err(|error: promotion_core::DigestError| error.to_string())?),
        };
        let name = fields.annotations.unwrap_or_default().remove(REF_NAME);
        Ok(Self { raw, target, media_type: fields.media_type.unwrap_or_default(), size: fields.size, name })
    }

    /// An entry of our own.
    pub(crate) fn new(descriptor: &Descriptor, tag: Option<&Tag>) -> Result<Self, String> {
        let mut descriptor = descriptor.clone();
        if let Some(tag) = tag {
            descriptor.annotations.insert(REF_NAME.to_owned(), tag.as_str().to_owned());
        }
        let raw = serde_json::value::to_raw_value(&descriptor).map_err(|error| error.to_string())?;
        Self::parse(raw)
    }

    /// The same entry without its tag; everything else about it stays.
    fn without_name(&self) -> Result<Self, String> {
        let mut object: Object = serde_json::from_str(self.raw.get()).map_err(|error| error.to_string())?;
        for (key, value) in &mut object.0 {
            if key == "annotations" {
                let mut annotations: Object = serde_json::from_str(value.get()).map_err(|error| error.to_string())?;
                annotations.0.retain(|(key, _)| key != REF_NAME);
                *value = serde_json::value::to_raw_value(&annotations).map_err(|error| error.to_string())?;
            }
        }
        object.0.retain(|(key, value)| key != "annotations" || value.get() != "{}");
        Self::parse(serde_json::value::to_raw_value(&object).map_err(|error| error.to_string())?)
    }

    /// Whether the entry does nothing but keep its content reachable.
    fn is_bare(&self) -> bool {
        let bare =
            |object: Object| object.0.iter().all(|(key, _)| matches!(key.as_str(), "mediaType" | "digest" | "size"));
        serde_json::from_str(self.raw.get()).is_ok_and(bare)
    }
}

/// Changes to an index: each is quick, however many there are.
#[derive(Debug)]
pub(crate) struct Edit {
    top: Object,
    entries: Vec<Option<Arc<Entry>>>,
    names: HashMap<String, Vec<usize>>,
    /// Entries without a name, by digest.
    untagged: HashMap<Digest, Vec<usize>>,
    /// How many entries each digest has.
    counts: HashMap<Digest, usize>,
}

impl Edit {
    pub(crate) fn new(index: &Index) -> Self {
        let mut edit = Self {
            top: index.top.clone(),
            entries: Vec::with_capacity(index.entries.len() + 1),
            names: HashMap::with_capacity(index.entries.len()),
            untagged: HashMap::new(),
            counts: HashMap::with_capacity(index.entries.len()),
        };
        for entry in &index.entries {
            edit.push(Arc::clone(entry));
        }
        edit
    }

    pub(crate) fn finish(self) -> Result<Index, String> {
        Index::build(self.top, self.entries.into_iter().flatten().collect())
    }

    /// Keeps a manifest reachable, so that no tool's garbage collection takes it.
    pub(crate) fn keep(&mut self, descriptor: &Descriptor) -> Result<(), String> {
        if !self.has(&Target::Sha256(descriptor.digest)) {
            self.push(Arc::new(Entry::new(descriptor, None)?));
        }
        Ok(())
    }

    /// Points a tag at a manifest; a tag that exists keeps its place in the order.
    pub(crate) fn point(&mut self, tag: &Tag, descriptor: &Descriptor) -> Result<(), String> {
        let entry = Arc::new(Entry::new(descriptor, Some(tag))?);
        // The entry that only kept this manifest reachable has done its work.
        for at in self.untagged.get(&descriptor.digest).cloned().unwrap_or_default() {
            if self.entries[at].as_ref().is_some_and(|entry| entry.is_bare()) {
                self.take(at);
            }
        }
        let places = self.names.get(tag.as_str()).cloned().unwrap_or_default();
        let old: Vec<_> = places.iter().filter_map(|at| self.take(*at)).collect();
        match places.first() {
            Some(at) => self.put(*at, entry),
            None => self.push(entry),
        }
        for old in old {
            if !self.has(&old.target) {
                self.push(Arc::new(old.without_name()?));
            }
        }
        Ok(())
    }

    /// Takes a tag away; its manifest stays reachable.
    pub(crate) fn untag(&mut self, tag: &Tag) -> Result<(), String> {
        for at in self.names.get(tag.as_str()).cloned().unwrap_or_default() {
            if let Some(old) = self.take(at)
                && !self.has(&old.target)
            {
                self.put(at, Arc::new(old.without_name()?));
            }
        }
        Ok(())
    }

    fn has(&self, target: &Target) -> bool {
        match target {
            Target::Sha256(digest) => self.counts.get(digest).is_some_and(|count| *count > 0),
            other @ Target::Other(_) => self.entries.iter().flatten().any(|entry| entry.target == *other),
        }
    }

    fn push(&mut self, entry: Arc<Entry>) {
        self.entries.push(None);
        self.put(self.entries.len() - 1, entry);
    }

    fn put(&mut self, at: usize, entry: Arc<Entry>) {
        if let Some(name) = &entry.name {
            self.names.entry(name.clone()).or_default().push(at);
        }
        if let Target::Sha256(digest) = entry.target {
            *self.counts.entry(digest).or_default() += 1;
            if entry.name.is_none() {
                self.untagged.entry(digest).or_default().push(at);
            }
        }
        self.entries[at] = Some(entry);
    }

    fn take(&mut self, at: usize) -> Option<Arc<Entry>> {
        let entry = self.entries.get_mut(at)?.take()?;
        if let Some(places) = entry.name.as_ref().and_then(|name| self.names.get_mut(name)) {
            places.retain(|place| *place != at);
        }
        if let Target::Sha256(digest) = entry.target {
            if let Some(count) = self.counts.get_mut(&digest) {
                *count -= 1;
            }
            if let Some(places) = self.untagged.get_mut(&digest) {
                places.retain(|place| *place != at);
            }
        }
        Some(entry)
    }
}

impl Object {
    /// A member by name; two members of one name would leave it open which one counts.
    fn unique(&self, key: &str) -> Result<Option<&RawValue>, String> {
        let mut values = self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_ref());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(format!("the member {key:?} occurs more than once")),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sha256(digest) => digest.fmt(f),
            Self::Other(digest) => f.write_str(digest),
        }
    }
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
