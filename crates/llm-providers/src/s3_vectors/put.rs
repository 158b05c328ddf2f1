//! A text is cut, its pieces become vectors, and these are put into an index. Bucket and index are made where no index is
//! named. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_S3VectorBuckets_PutVectors.html>

use bytes::Bytes;
use llm_types::{Error, Json, Result};

use super::{MODEL, place};
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::ingest::{text, unreadable};
use crate::stores::{Came, Document, Embedder, Ingestion, Step, chunks};

/// Characters of a piece, and of those that pieces share, when nobody says; LiteLLM's.
const SIZE: u64 = 1000;
const OVERLAP: u64 = 200;
/// Vectors of one request; AWS takes 500, and 20 MiB.
const AT_ONCE: usize = 200;

#[derive(Debug)]
pub(super) struct Put<'a> {
    document: Document<'a>,
    resource: Resource<'a>,
    bucket: String,
    index: String,
    texts: Vec<String>,
    vectors: Vec<Json>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Counted,
    LookingForBucket,
    MakingBucket,
    MakingIndex,
    /// So many vectors were put.
    Putting(usize),
}

impl<'a> Put<'a> {
    pub(super) fn new(document: Document<'a>, resource: Resource<'a>) -> Result<Self> {
        let usual = || {
            let own = document.option("vector_bucket_name").or_else(|| resource.params.str("vector_bucket_name"));
            let why = "this vector store needs the id bucket:index, or vector_bucket_name";
            own.ok_or_else(|| Error::bad_request(why).with_param("vector_store_id"))
        };
        let made =
            || document.option("index_name").map_or_else(|| format!("llm-index-{}", document.unique), str::to_owned);
        let (bucket, index) = match document.store.map(|store| (store, store.split_once(':'))) {
            Some((_, Some((bucket, index)))) => (bucket, index.to_owned()),
            Some((index, None)) => (usual()?, index.to_owned()),
            None => (usual()?, made()),
        };
        let size = usize::try_from(document.cut("chunk_size").unwrap_or(SIZE)).unwrap_or(usize::MAX);
        let overlap = usize::try_from(document.cut("chunk_overlap").unwrap_or(OVERLAP)).unwrap_or(usize::MAX);
        let texts = chunks(&text(&document)?, size, overlap);
        Ok(Self {
            document,
            resource,
            bucket: bucket.to_owned(),
            index,
            texts,
            vectors: Vec::new(),
            stage: Stage::Begin,
        })
    }

    fn ask(&self, operation: &str, fields: Vec<(&'static str, Json)>, out: &mut Endpoint) -> Result<Step> {
        place(&self.resource, operation, out)?;
        let bucket = ("vectorBucketName", Json::from(self.bucket.as_str()));
        Ok(Step::Ask(Bytes::from(Json::object(std::iter::once(bucket).chain(fields)).to_string())))
    }

    fn embedder(&self) -> Result<Embedder> {
        let params = self.resource.params;
        if params.str("litellm_embedding_model").is_some() {
            return Embedder::configured(params);
        }
        let asked = self.document.embedding.text("model").filter(|model| !model.is_empty());
        let model = params.str("embedding_model").or(asked).unwrap_or(MODEL).to_owned();
        Ok(Embedder { model, params: Vec::new() })
    }

    fn index(&mut self, out: &mut Endpoint) -> Result<Step> {
        self.stage = Stage::MakingIndex;
        let dimension = self.vectors.first().and_then(Json::as_array).map_or(0, <[Json]>::len);
        let metric = self.document.option("distance_metric").unwrap_or("cosine");
        let keys = Json::object([("nonFilterableMetadataKeys", Json::Array(vec![Json::from("source_text")]))]);
        let fields = vec![
            ("indexName", Json::from(self.index.as_str())),
            ("dataType", Json::from("float32")),
            ("dimension", Json::from(u64::try_from(dimension).unwrap_or_default())),
            ("distanceMetric", Json::from(metric)),
            ("metadataConfiguration", keys),
        ];
        self.ask("CreateIndex", fields, out)
    }

    fn put(&mut self, from: usize, out: &mut Endpoint) -> Result<Step> {
        let name = self.document.plain_name();
        let pairs = self.texts.iter().zip(&self.vectors).enumerate().skip(from).take(AT_ONCE);
        let vectors = pairs.map(|(at, (text, vector))| {
            let metadata = [("source_text", text.clone()), ("chunk_index", at.to_string()), ("filename", name.clone())];
            Json::object([
                ("key", Json::from(format!("{name}_{at}"))),
                ("data", Json::object([("float32", vector.clone())])),
                ("metadata", Json::object(metadata)),
            ])
        });
        let vectors: Vec<Json> = vectors.collect();
        if vectors.is_empty() {
            let store = format!("{}:{}", self.bucket, self.index);
            return Ok(Step::Done { store, file: Some(name) });
        }
        self.stage = Stage::Putting(from + vectors.len());
        let index = ("indexName", Json::from(self.index.as_str()));
        self.ask("PutVectors", vec![index, ("vectors", Json::Array(vectors))], out)
    }
}

impl Ingestion for Put<'_> {
    fn next(&mut self, came: Came<'_>, out: &mut Endpoint) -> Result<Step> {
        match (self.stage, came) {
            (Stage::Begin, _) => {
                self.stage = Stage::Counted;
                Ok(Step::Vectors(self.embedder()?, self.texts.clone()))
            }
            (Stage::Counted, Came::Vectors(vectors)) if vectors.len() == self.texts.len() => {
                self.vectors = vectors;
                if self.document.store.is_some() {
                    return self.put(0, out);
                }
                self.stage = Stage::LookingForBucket;
                self.ask("GetVectorBucket", Vec::new(), out)
            }
            (Stage::Counted, _) => Err(unreadable("there is not a vector for each piece")),
            (Stage::LookingForBucket, Came::Refused(error)) if error.status() == 404 => {
                self.stage = Stage::MakingBucket;
                self.ask("CreateVectorBucket", Vec::new(), out)
            }
            (Stage::LookingForBucket | Stage::MakingBucket, came) => {
                came.said()?;
                self.index(out)
            }
            // Somebody made it in between, or it was named and is there.
            (Stage::MakingIndex, Came::Refused(error)) if error.status() == 409 => self.put(0, out),
            (Stage::MakingIndex, came) => {
                came.said()?;
                self.put(0, out)
            }
            (Stage::Putting(done), came) => {
                came.said()?;
                self.put(done, out)
            }
        }
    }
}
