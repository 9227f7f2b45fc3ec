//! Referrers over the distribution API: listed by the registry, or by the tag that stands in for the listing.

use promotion_core::Digest;
use promotion_core::manifest::{Descriptor, Manifest, OCI_INDEX};
use promotion_core::ports::{Expect, PortErrorKind, Registry};
use wiremock::ResponseTemplate;

use crate::distribution_server::{Fake, Fault, open, referrer, refusal, requests};
use crate::support::{manifest, tag};

fn fallback(subject: &Manifest) -> String {
    format!("sha256-{}", subject.digest().hex())
}

fn index(entries: serde_json::Value) -> Manifest {
    let text = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    Manifest::new(OCI_INDEX, text.to_string().into_bytes())
}

#[tokio::test]
async fn a_registry_that_lists_referrers_needs_no_tag() {
    let subject = manifest("subject");
    let fake = Fake::default().with("1.0.0", &subject).with_referrers();
    let server = fake.start().await;
    let registry = open(&server.uri());
    let record = referrer(&subject, "a");
    registry.put_manifest(&record).await.unwrap();
    let found = registry.referrers(subject.digest()).await.unwrap();
    assert_eq!(found.iter().map(|found| found.digest).collect::<Vec<_>>(), [record.digest()]);
    assert_eq!(registry.capabilities().referrers_api, Some(true));
    let (put, get) = (format!("PUT manifests/{}", record.digest()), format!("GET referrers/{}", subject.digest()));
    assert_eq!(requests(&server).await, [put, get]);
}

#[tokio::test]
async fn without_a_listing_the_tag_is_kept() {
    let subject = manifest("subject");
    let fake = Fake::default().with("1.0.0", &subject);
    let server = fake.start().await;
    let registry = open(&server.uri());
    assert!(registry.referrers(subject.digest()).await.unwrap().is_empty());
    let (one, two) = (referrer(&subject, "one"), referrer(&subject, "two"));
    registry.put_manifest(&one).await.unwrap();
    registry.put_tag(&tag("signature"), &two, Expect::Absent).await.unwrap();
    registry.put_manifest(&one).await.unwrap();
    let found = registry.referrers(subject.digest()).await.unwrap();
    assert_eq!(found.iter().map(|found| found.digest).collect::<Vec<_>>(), [one.digest(), two.digest()], "each once");
    assert_eq!(found[0].artifact_type.as_deref(), Some("application/vnd.example.record"));
    assert_eq!(found[0].annotations["seed"], "one");
    assert_eq!(registry.capabilities().referrers_api, Some(false));
}

#[tokio::test]
async fn a_registry_that_says_nothing_of_a_subject_is_not_asked_for_a_listing() {
    let subject = manifest("subject");
    let server = Fake::default().start().await;
    let registry = open(&server.uri());
    assert!(registry.put_referrer(&referrer(&subject, "ours"), &[]).await.unwrap().is_some());
    let asked = requests(&server).await;
    assert!(!asked.iter().any(|request| request.contains("referrers/")), "{asked:?}");
}

/// Another writer puts the blob between the refusal of our manifest and our look for the blob.
#[tokio::test]
async fn a_manifest_that_was_refused_for_a_blob_that_is_there_by_now_is_put_again() {
    let subject = manifest("subject");
    let there = Fault::Answer(ResponseTemplate::new(200));
    let refused = Fault::Answer(refusal(400, "MANIFEST_BLOB_UNKNOWN"));
    let server = Fake::default().fails("HEAD", [there]).fails("PUT", [refused]).start().await;
    let registry = open(&server.uri());
    let ours = referrer(&subject, "ours");
    let blob = Descriptor { digest: Digest::of(b"{}"), size: 2, ..ours.descriptor() };
    registry.put_referrer(&ours, &[(blob, b"{}".to_vec())]).await.unwrap().expect("no listing of its own");
    assert_eq!(registry.referrers(subject.digest()).await.unwrap()[0].digest, ours.digest());
}

#[tokio::test]
async fn what_others_wrote_into_the_tag_keeps_its_text() {
    let subject = manifest("subject");
    let theirs = format!(
        r#"{{"digest":"{}",  "size":3,"mediaType":"x/y","data":"e30=","annotations":null}}"#,
        manifest("t").digest()
    );
    let text = format!(
        r#"{{"schemaVersion":2,"annotations":{{"k" : "v"}},"manifests":[{theirs}],"mediaType":"{OCI_INDEX}"}}"#
    );
    let fake = Fake::default().with(&fallback(&subject), &Manifest::new(OCI_INDEX, text.into_bytes()));
    let server = fake.start().await;
    open(&server.uri()).put_manifest(&referrer(&subject, "ours")).await.unwrap();
    let written = String::from_utf8(fake.bytes(&fallback(&subject)).unwrap()).unwrap();
    assert!(written.contains(&theirs) && written.contains(r#"{"k" : "v"}"#), "{written}");
    assert_eq!(open(&server.uri()).referrers(subject.digest()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_entry_that_another_writer_undid_is_added_again() {
    let (subject, theirs) = (manifest("subject"), index(serde_json::json!([])));
    // The second look finds what the other writer put over ours.
    let undone = || ResponseTemplate::new(200).set_body_raw(theirs.bytes().to_vec(), OCI_INDEX);
    let answers = [Fault::Answer(undone()), Fault::Answer(undone())];
    let fake = Fake::default().fails("GET", answers);
    let server = fake.start().await;
    let ours = referrer(&subject, "ours");
    open(&server.uri()).put_manifest(&ours).await.unwrap();
    let puts =
        requests(&server).await.into_iter().filter(|request| request.starts_with("PUT manifests/sha256-")).count();
    assert_eq!(puts, 2);
    assert_eq!(open(&server.uri()).referrers(subject.digest()).await.unwrap()[0].digest, ours.digest());
}

#[tokio::test]
async fn an_entry_that_was_undone_before_it_was_settled_is_added_again() {
    let (subject, theirs) = (manifest("subject"), index(serde_json::json!([])));
    let fake = Fake::default();
    let server = fake.start().await;
    let (registry, ours) = (open(&server.uri()), referrer(&subject, "ours"));
    let listed = async || registry.referrers(subject.digest()).await.unwrap().len();
    let unsettled = registry.put_referrer(&ours, &[]).await.unwrap().expect("no listing of its own");
    assert_eq!(listed().await, 1);
    registry.put_tag(&tag(&fallback(&subject)), &theirs, Expect::Any).await.unwrap();
    assert_eq!(listed().await, 0);
    registry.settle(&ours, unsettled).await.unwrap();
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn a_list_is_written_when_it_is_said_to_be_whatever_the_registry_answers() {
    let stored = || Fault::Done(ResponseTemplate::new(201));
    let (failed, done_all_the_same) =
        (|| Fault::Answer(refusal(503, "DENIED")), || Fault::Done(refusal(503, "DENIED")));
    for (answer, puts) in [(failed(), 2), (done_all_the_same(), 1)] {
        let subject = manifest("subject");
        let fake = Fake::default().fails("PUT", [stored(), answer]);
        let server = fake.start().await;
        let registry = open(&server.uri());
        assert!(registry.put_referrer(&referrer(&subject, "ours"), &[]).await.unwrap().is_some());
        let lists = requests(&server).await.into_iter().filter(|it| it.starts_with("PUT manifests/sha256-")).count();
        assert_eq!((lists, registry.referrers(subject.digest()).await.unwrap().len()), (puts, 1));
    }
}

#[tokio::test]
async fn an_entry_that_is_undone_again_and_again_is_an_error() {
    let subject = manifest("subject");
    let undone = || {
        Fault::Answer(ResponseTemplate::new(200).set_body_raw(index(serde_json::json!([])).bytes().to_vec(), OCI_INDEX))
    };
    let server = Fake::default().fails("GET", (0..20).map(|_| undone())).start().await;
    let error = open(&server.uri()).put_manifest(&referrer(&subject, "ours")).await.unwrap_err();
    assert_eq!(error.kind(), &PortErrorKind::Unavailable);
    assert!(error.message().contains("other writers"), "{error}");
}

#[tokio::test]
async fn writers_of_one_client_do_not_undo_each_other() {
    let subject = manifest("subject");
    let server = Fake::default().start().await;
    let registry = open(&server.uri());
    let writers = (0..8).map(|n| {
        let (registry, record) = (registry.clone(), referrer(&subject, &n.to_string()));
        tokio::spawn(async move { registry.put_manifest(&record).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(registry.referrers(subject.digest()).await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_tagged_referrer_whose_writer_died_is_made_known() {
    let subject = manifest("subject");
    let record = referrer(&subject, "a");
    let server = Fake::default().with("signature", &record).start().await;
    let registry = open(&server.uri());
    registry.put_tag(&tag("signature"), &record, Expect::Absent).await.unwrap();
    assert_eq!(registry.referrers(subject.digest()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_index_is_no_empty_list() {
    let subject = manifest("subject");
    for answer in [
        ResponseTemplate::new(200).set_body_raw("<html>sign in</html>", "text/html"),
        ResponseTemplate::new(200).set_body_raw("{}", OCI_INDEX),
        ResponseTemplate::new(200).set_body_raw(r#"{"schemaVersion":2,"manif"#, OCI_INDEX),
    ] {
        let server = Fake::default().fails("GET", [Fault::Answer(answer)]).start().await;
        let error = open(&server.uri()).referrers(subject.digest()).await.unwrap_err();
        assert_eq!(error.kind(), &PortErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn a_repository_that_is_not_there_yet_says_nothing_of_the_registry() {
    let subject = manifest("subject");
    let unknown = || Fault::Answer(refusal(404, "NAME_UNKNOWN"));
    let fake = Fake::default().with_referrers().fails("GET", [unknown(), unknown()]);
    let server = fake.start().await;
    let registry = open(&server.uri());
    assert!(registry.referrers(subject.digest()).await.unwrap().is_empty());
    fake.with("", &referrer(&subject, "by somebody else"));
    assert_eq!(registry.referrers(subject.digest()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_page_of_referrers_is_read() {
    let subject = manifest("subject");
    let entry = |seed: &str| serde_json::to_value(referrer(&subject, seed).descriptor()).unwrap();
    let page = |entries: serde_json::Value| {
        ResponseTemplate::new(200).set_body_raw(index(entries).bytes().to_vec(), OCI_INDEX)
    };
    let first = page(serde_json::json!([entry("a"), entry("b")])).insert_header("link", "<?next=2>; rel=next");
    let second = page(serde_json::json!([entry("b"), entry("c")]));
    let server = Fake::default().fails("GET", [Fault::Answer(first), Fault::Answer(second)]).start().await;
    assert_eq!(open(&server.uri()).referrers(subject.digest()).await.unwrap().len(), 3, "each once");
    assert_eq!(requests(&server).await[1], format!("GET referrers/{}?next=2", subject.digest()));
}
