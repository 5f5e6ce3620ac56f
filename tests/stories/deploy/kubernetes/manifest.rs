//! The manifests as `kubectl kustomize` renders them, and the pods in them.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;

use crate::stories::deploy::settings;

pub const OURS: &str = "ghcr.io/adjutant-chatops/adjutant";

/// All documents of one folder, rendered.
#[derive(Clone)]
pub struct Rendering {
    pub folder: &'static str,
    pub docs: Vec<Value>,
}

/// Renders a folder of `deploy/kubernetes/`. kubectl has nothing to remark on it.
pub fn render(folder: &'static str) -> Rendering {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kubectl = root.join(".tools/kubectl");
    assert!(kubectl.exists(), "kubectl is needed: run ./dev setup");
    let output = Command::new(kubectl)
        .arg("kustomize")
        .arg(root.join("deploy/kubernetes").join(folder))
        .output()
        .unwrap();
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && remarks.is_empty(), "{folder}: {remarks}");
    let text = String::from_utf8(output.stdout).unwrap();
    let docs: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    assert!(!docs.is_empty(), "{folder}");
    Rendering { folder, docs }
}

/// Text in a document; "" if it is not there.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The elements of a list; none if there is no list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A document for people: its kind and its name.
pub fn title(doc: &Value) -> String {
    format!("{} {}", text(&doc["kind"]), text(&doc["metadata"]["name"]))
}

/// Whether labels are those that a selector asks for. A selector by expressions is none that we use.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    assert!(selector["matchExpressions"].is_null(), "{selector}");
    let wanted = selector["matchLabels"].as_object();
    wanted.is_none_or(|wanted| wanted.iter().all(|(name, value)| &labels[name] == value))
}

/// What runs pods.
#[derive(Clone, Copy)]
pub struct Workload<'a> {
    pub doc: &'a Value,
    pub labels: &'a Value,
    pub pod: &'a Value,
}

impl<'a> Workload<'a> {
    pub fn title(&self) -> String {
        title(self.doc)
    }

    pub fn is(&self, kind: &str) -> bool {
        self.doc["kind"] == kind
    }

    /// Whether it runs until it is told to stop.
    pub fn serves(&self) -> bool {
        !self.is("Job")
    }

    pub fn containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        list(&self.pod["initContainers"]).iter().chain(list(&self.pod["containers"]))
    }

    /// The containers that run the program.
    pub fn ours(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.containers().filter(|container| text(&container["image"]).starts_with(OURS))
    }

    /// Whether one of its containers has a port of this name, or of this number.
    pub fn has_port(&self, port: &Value) -> bool {
        self.containers()
            .flat_map(|container| list(&container["ports"]))
            .any(|declared| &declared["name"] == port || &declared["containerPort"] == port)
    }
}

impl Rendering {
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.docs.iter().filter(move |doc| doc["kind"] == kind)
    }

    pub fn named(&self, kind: &str, name: &str) -> Option<&Value> {
        self.docs.iter().find(|doc| doc["kind"] == kind && doc["metadata"]["name"] == name)
    }

    /// The document to change, for tests that spoil it.
    pub fn edit(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.docs.iter_mut().find(|doc| doc["kind"] == kind && doc["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    pub fn workloads(&self) -> Vec<Workload<'_>> {
        let pods = self.docs.iter().filter(|doc| doc["spec"]["template"]["spec"].is_object());
        pods.map(|doc| {
            let template = &doc["spec"]["template"];
            Workload { doc, labels: &template["metadata"]["labels"], pod: &template["spec"] }
        })
        .collect()
    }

    /// The settings of a container of ours: of its configuration file, overridden by its variables as far as they are numbers.
    pub fn settings(&self, workload: &Workload<'_>, container: &Value) -> BTreeMap<String, toml::Value> {
        let mut settings = self
            .files(workload, container)
            .get("/etc/adjutant/adjutant.toml")
            .map_or_else(BTreeMap::new, |text| settings::flat(text));
        for variable in list(&container["env"]) {
            let number = text(&variable["value"]).parse().map(toml::Value::Integer);
            if let (Some(key), Ok(number)) = (settings::key(text(&variable["name"])), number) {
                settings.insert(key, number);
            }
        }
        settings
    }

    /// The files that are mounted, with their text: of a ConfigMap what it holds, of a Secret nothing.
    pub fn files(&self, workload: &Workload<'_>, container: &Value) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for mount in list(&container["volumeMounts"]) {
            let path = text(&mount["mountPath"]);
            let volume = list(&workload.pod["volumes"]).iter().find(|volume| volume["name"] == mount["name"]);
            let Some(volume) = volume else { continue };
            let map = self.named("ConfigMap", text(&volume["configMap"]["name"]));
            for (name, content) in map.and_then(|map| map["data"].as_object()).into_iter().flatten() {
                let file = match mount["subPath"].as_str() {
                    Some(part) if part == name => path.to_owned(),
                    Some(_) => continue,
                    None => format!("{path}/{name}"),
                };
                files.insert(file, text(content).to_owned());
            }
            for source in list(&volume["projected"]["sources"]) {
                for item in list(&source["secret"]["items"]) {
                    files.insert(format!("{path}/{}", text(&item["path"])), String::new());
                }
            }
        }
        files
    }
}
