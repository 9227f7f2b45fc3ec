//! Where a provider posts events to.

use std::time::Duration;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Keeps what is posted, and is content with everything.
pub(crate) struct Listener(MockServer);

impl Listener {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        Self(server)
    }

    pub(crate) fn address(&self) -> String {
        self.0.uri()
    }

    /// Waits for a body of which something is wanted.
    pub(crate) async fn hears<T>(&self, what: &str, wanted: impl Fn(&[u8]) -> Option<T>) -> T {
        let found = async {
            loop {
                let requests = self.0.received_requests().await.unwrap();
                if let Some(found) = requests.iter().find_map(|request| wanted(&request.body)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(240), found).await {
            Ok(found) => found,
            Err(_) => panic!("{what} was not heard; {:#?}", self.bodies().await),
        }
    }

    async fn bodies(&self) -> Vec<String> {
        let requests = self.0.received_requests().await.unwrap();
        requests.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
    }
}
