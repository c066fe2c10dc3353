//! A merchant's people, read anew with each request: whoever was removed is out at once, however young the
//! token.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderName;
use axum::http::request::Parts;
use tanhui_domain::id::{CitizenId, MerchantId};
use tanhui_domain::merchant::{Merchant, MerchantStatus, Staff, StaffRole};
use tanhui_domain::text::Text;
use tanhui_service::staff;

use super::Caller;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// Names the merchant, for people who work for several.
pub const MERCHANT_ID: HeaderName = HeaderName::from_static("merchant-id");

/// Staff of a merchant, at its till.
#[derive(Debug, Clone)]
pub struct AsMerchantStaff {
    caller: Caller,
    staff: Staff,
    merchant: Merchant,
}

impl AsMerchantStaff {
    /// Whose staff.
    #[must_use]
    pub fn merchant(&self) -> MerchantId {
        self.merchant.id
    }

    /// Whose staff, and who.
    #[must_use]
    pub fn at(&self) -> (MerchantId, CitizenId) {
        (self.merchant.id, self.caller.citizen())
    }

    /// The merchant itself.
    #[must_use]
    pub fn of(&self) -> &Merchant {
        &self.merchant
    }

    /// As what, and where.
    #[must_use]
    pub fn staff(&self) -> &Staff {
        &self.staff
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl<S> FromRequestParts<S> for AsMerchantStaff
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let named = named(parts)?;
        let services = AppState::from_ref(state).services;
        match staff::workplace(&services, caller.citizen(), named).await? {
            Some((staff, merchant)) => Ok(Self { caller, staff, merchant }),
            None => Err(Problem::new(Code::Forbidden)),
        }
    }
}

fn named(parts: &Parts) -> Result<Option<MerchantId>, Problem> {
    let Some(value) = parts.headers.get(MERCHANT_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| {
        Problem::new(Code::BadRequest)
            .field("/merchant-id", Text::new("请求头 Merchant-Id 应为 UUID", "Merchant-Id must be a UUID"))
    })
}

/// An owner of a merchant that has not ended: manages its people, branches and webhooks.
#[derive(Debug, Clone)]
pub struct AsMerchantOwner(AsMerchantStaff);

impl std::ops::Deref for AsMerchantOwner {
    type Target = AsMerchantStaff;

    fn deref(&self) -> &AsMerchantStaff {
        &self.0
    }
}

impl<S> FromRequestParts<S> for AsMerchantOwner
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let staff = AsMerchantStaff::from_request_parts(parts, state).await?;
        match (staff.staff.role, staff.merchant.status) {
            (StaffRole::Cashier, _) => Err(Problem::new(Code::Forbidden)),
            (StaffRole::Owner, MerchantStatus::Active | MerchantStatus::Suspended) => Ok(Self(staff)),
            (StaffRole::Owner, status) => Err(Problem::new(Code::MerchantOutOfOrder).detail(
                format!("商户状态为 {}。", status.word()),
                format!("The merchant is {}.", status.word()),
            )),
        }
    }
}
