//! Uploads that nobody completes: those of a process that died, or whose end the storage did not hear of. `object_store` does
//! not list them, so the request is made here.

use super::BucketOptions;
use super::transport::Transport;
use crate::exports::artifacts::is_ours;
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpRequest, HttpRequestBody, HttpResponse, HttpService};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use serde::Deserialize;
use url::Url;

/// Pages of the list that are read in one go.
const PAGES: usize = 1_000;

/// What ends uploads of a bucket.
pub(super) struct Unfinisheds {
    store: AmazonS3,
    transport: Transport,
    /// The bucket's own address.
    address: String,
    region: String,
}

/// A page of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(rename = "Upload")]
    uploads: Vec<Begun>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    key: String,
    upload_id: String,
}

impl Unfinisheds {
    pub(super) fn new(options: &BucketOptions, store: AmazonS3, transport: Transport) -> Self {
        let address = format!("{}/{}", options.endpoint.trim_end_matches('/'), options.bucket);
        Self { store, transport, address, region: options.region.clone() }
    }

    /// Ends every upload of an export's file under the prefix, but those of the files that are being written.
    pub(super) async fn end(&self, prefix: &Path, written: &[String]) -> object_store::Result<()> {
        let mut after = None;
        for _ in 0..PAGES {
            let Some(page) = self.page(prefix, after.take()).await? else { return Ok(()) };
            for upload in &page.uploads {
                let Ok(path) = Path::parse(&upload.key) else { continue };
                let name = path.filename().filter(|name| is_ours(name) && prefix.clone().join(*name) == path);
                if name.is_some_and(|name| !written.iter().any(|one| one == name)) {
                    self.end_one(&path, &upload.upload_id).await?;
                }
            }
            after = page.next_key_marker.zip(page.next_upload_id_marker).filter(|_| page.is_truncated);
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn end_one(&self, path: &Path, id: &String) -> object_store::Result<()> {
        match self.store.abort_multipart(path, id).await {
            // It came to its end meanwhile.
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            ended => {
                tracing::info!(%path, "an upload that nobody completes was ended");
                ended
            }
        }
    }

    /// A page of the list, from behind the last upload of the one before. `None`: the storage has no such list.
    async fn page(
        &self,
        prefix: &Path,
        after: Option<(String, String)>,
    ) -> object_store::Result<Option<Page>> {
        let answer = self.ask(prefix, after).await?;
        match answer.status().as_u16() {
            200 => {}
            405 | 501 => {
                tracing::warn!(
                    "the storage does not list uploads: let it end those itself that are days old"
                );
                return Ok(None);
            }
            status => return Err(broken(format!("the list of uploads was answered with {status}"))),
        }
        let body = answer.into_body().bytes().await.map_err(broken)?;
        quick_xml::de::from_reader(&body[..]).map(Some).map_err(broken)
    }

    async fn ask(
        &self,
        prefix: &Path,
        after: Option<(String, String)>,
    ) -> object_store::Result<HttpResponse> {
        let mut url = Url::parse(&self.address).map_err(broken)?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("uploads", "").append_pair("prefix", prefix.as_ref());
            if let Some((key, upload)) = &after {
                query.append_pair("key-marker", key).append_pair("upload-id-marker", upload);
            }
        }
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = url.as_str().parse().map_err(broken)?;
        let credential = self.store.credentials().get_credential().await?;
        AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(&mut request, None)?;
        self.transport.call(request).await.map_err(broken)
    }
}

fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: cause.into() }
}
