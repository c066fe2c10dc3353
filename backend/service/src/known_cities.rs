//! Cities that were looked up. What is kept of a city never changes, so it is looked up once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tanhui_domain::city::City;
use tanhui_domain::id::CityId;

/// Cities by id.
#[derive(Default)]
pub(crate) struct KnownCities(RwLock<HashMap<CityId, City>>);

impl KnownCities {
    /// A city that was kept.
    pub(crate) fn find(&self, id: CityId) -> Option<City> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Keeps all cities.
    pub(crate) fn keep(&self, cities: Vec<City>) {
        let cities = cities.into_iter().map(|city| (city.id, city)).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = cities;
    }
}
