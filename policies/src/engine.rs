//! Casbin, kept at arm's length: one small enforcer per command, never changed after it is built, every call caught.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use adjutant_bus::spec::Action;
use casbin::{
    CoreApi, DefaultModel, Enforcer, Model,
    rhai::{Dynamic, ImmutableString, Map},
};

use crate::{matching, rows::Row};

/// A request as the model defines it.
pub(crate) struct Asked<'a> {
    pub(crate) who: &'a str,
    pub(crate) groups: &'a Dynamic,
    pub(crate) place: &'a str,
    pub(crate) command: &'a str,
    pub(crate) action: Action,
    pub(crate) context: &'a BTreeMap<String, String>,
}

/// Why casbin gave no verdict. Whoever meets it refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineError {
    /// It said so.
    #[error("casbin failed: {0}")]
    Failed(String),
    /// It panicked.
    #[error("casbin panicked")]
    Panicked,
}

/// One enforcer over some rows.
pub(crate) struct Engine(Enforcer);

impl Engine {
    /// Builds an enforcer over these rows. Never over none: casbin's answer to an empty policy is not a refusal.
    pub(crate) fn build<'a>(model: &str, rows: impl Iterator<Item = &'a Row>) -> Result<Self, EngineError> {
        let failed = |error: casbin::Error| EngineError::Failed(error.to_string());
        let build = || {
            futures::executor::block_on(async {
                let mut model = DefaultModel::from_str(model).await.map_err(failed)?;
                for row in rows {
                    model.add_policy("p", "p", row.values());
                }
                let mut enforcer = Enforcer::new_raw(model, ()).await.map_err(failed)?;
                enforcer.enable_auto_save(false);
                for (name, function) in matching::functions() {
                    enforcer.add_function(name, function);
                }
                Ok(Self(enforcer))
            })
        };
        catch_unwind(AssertUnwindSafe(build)).unwrap_or(Err(EngineError::Panicked))
    }

    /// Casbin's verdict.
    pub(crate) fn enforce(&self, asked: &Asked<'_>) -> Result<bool, EngineError> {
        let context: Map = asked
            .context
            .iter()
            .map(|(key, value)| (key.as_str().into(), Dynamic::from(ImmutableString::from(value.as_str()))))
            .collect();
        let text = |text: &str| Dynamic::from(ImmutableString::from(text));
        let request = vec![
            text(asked.who),
            asked.groups.clone(),
            text(asked.place),
            text(asked.command),
            text(asked.action.as_str()),
            Dynamic::from_map(context),
        ];
        let verdict = catch_unwind(AssertUnwindSafe(|| self.0.enforce(request)));
        match verdict {
            Ok(Ok(allowed)) => Ok(allowed),
            Ok(Err(error)) => Err(EngineError::Failed(error.to_string())),
            Err(_) => Err(EngineError::Panicked),
        }
    }
}

/// The groups as the model wants them: a map of names.
pub(crate) fn groups_map<'a>(groups: impl Iterator<Item = &'a str>) -> Dynamic {
    Dynamic::from_map(groups.map(|name| (name.into(), Dynamic::from(true))).collect())
}
