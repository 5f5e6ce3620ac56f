//! The schemas that Kubernetes publishes for its objects, strictly: what they do not know is an error.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;

use super::manifest::{Rendering, text, title};

/// The oldest Kubernetes that the manifests are for, and the newest that is known.
pub const VERSIONS: [&str; 2] = ["1.30.0", "1.37.0"];

/// The schemas of one version.
pub struct Schemas {
    folder: PathBuf,
    definitions: Arc<Value>,
    known: HashMap<String, Validator>,
}

/// Answers the only reference that there is: to the definitions that all schemas share.
struct Definitions(Arc<Value>);

impl Retrieve for Definitions {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if uri.path().as_str().ends_with("/_definitions.json") {
            return Ok((*self.0).clone());
        }
        Err(format!("{uri} is not there").into())
    }
}

fn read(path: &Path) -> Option<Value> {
    Some(serde_json::from_str(&std::fs::read_to_string(path).ok()?).unwrap())
}

impl Schemas {
    pub fn of(version: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/kubernetes-schemas").join(version);
        let definitions = read(&folder.join("_definitions.json")).expect("the schemas: run ./dev setup");
        Self { folder, definitions: Arc::new(definitions), known: HashMap::new() }
    }

    /// What is wrong with the documents.
    pub fn findings(&mut self, rendering: &Rendering) -> Vec<String> {
        rendering.docs.iter().flat_map(|doc| self.finding(doc)).collect()
    }

    fn finding(&mut self, doc: &Value) -> Option<String> {
        // apps/v1 Deployment is deployment-apps-v1, v1 Service is service-v1; of a group's name the first part counts.
        let kind = text(&doc["kind"]).to_lowercase();
        let version = match text(&doc["apiVersion"]).split_once('/') {
            Some((group, version)) => format!("{}-{version}", group.split('.').next().unwrap_or_default()),
            None => text(&doc["apiVersion"]).to_owned(),
        };
        let name = format!("{kind}-{version}");
        if !self.known.contains_key(&name) {
            let Some(schema) = read(&self.folder.join(format!("{name}.json"))) else {
                return Some(format!("{}: there is no schema {name}", title(doc)));
            };
            let retriever = Definitions(self.definitions.clone());
            let validator = jsonschema::options().with_retriever(retriever).build(&schema).unwrap();
            self.known.insert(name.clone(), validator);
        }
        let errors: Vec<String> = self.known[&name]
            .iter_errors(doc)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        (!errors.is_empty()).then(|| format!("{}: {}", title(doc), errors.join("; ")))
    }
}
