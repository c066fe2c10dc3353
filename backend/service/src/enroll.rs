//! Pseudonymous citizens for subjects that nobody has bound: for trials with old files, never for real
//! people.

use std::collections::HashSet;

use tanhui_domain::city::{Citizen, Source};
use tanhui_domain::id::{BindingId, CitizenId};
use tanhui_store::binding::{NewBinding, SubjectHash};
use tanhui_store::{StoreError, binding, citizen};

use crate::Services;
use crate::binding::new_binding;
use crate::random::Random;
use crate::retry::retrying;

/// Makes a citizen and a binding for each subject that has none; gives how many were made.
pub async fn enroll(services: &Services, source: &Source, subjects: &[&str]) -> Result<usize, StoreError> {
    retrying(|_| try_enroll(services, source, subjects)).await
}

async fn try_enroll(services: &Services, source: &Source, subjects: &[&str]) -> Result<usize, StoreError> {
    let now = services.clock.now();
    let mut seen = HashSet::new();
    let hashed: Vec<(SubjectHash, &str)> = subjects
        .iter()
        .map(|subject| (services.subject_hash(source, subject), *subject))
        .filter(|(hash, _)| seen.insert(*hash))
        .collect();
    let asked: Vec<SubjectHash> = hashed.iter().map(|(hash, _)| *hash).collect();
    let transaction = services.database.begin().await?;
    let bound = binding::owners(&transaction, source.id, &asked).await?;
    let (citizens, bindings): (Vec<Citizen>, Vec<NewBinding>) = hashed
        .iter()
        .filter(|(hash, _)| !bound.contains_key(hash))
        .map(|(hash, subject)| {
            let citizen =
                services.new_citizen(CitizenId::new(services.random.uuid_at(now)), source.city, now);
            let id = BindingId::new(services.random.uuid_at(now));
            let binding = new_binding(id, citizen.id, source, *hash, subject);
            (citizen, binding)
        })
        .unzip();
    if citizens.is_empty() {
        return Ok(0);
    }
    citizen::insert_many(&transaction, &citizens).await?;
    match binding::insert_many(&transaction, &bindings, now).await {
        // Somebody bound one of them just now: look again.
        Err(StoreError::Exists(error)) => return Err(StoreError::Repeat(error)),
        outcome => outcome?,
    }
    transaction.commit().await?;
    services.something_waits.notify_one();
    Ok(citizens.len())
}
