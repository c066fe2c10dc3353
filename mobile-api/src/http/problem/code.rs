//! The one table of problem codes: what clients match on, its HTTP status and its title in both languages.
//!
//! A code, once published, keeps its name and status.

use axum::http::StatusCode;
use tanhui_domain::text::Language;

macro_rules! codes {
    ($($name:ident $code:literal $status:ident $zh:literal $en:literal;)+) => {
        /// A stable problem code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $en] $name,)+
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status it travels with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// A short sentence for people.
            #[must_use]
            pub const fn title(self, language: Language) -> &'static str {
                match language {
                    Language::Zh => match self { $(Self::$name => $zh,)+ },
                    Language::En => match self { $(Self::$name => $en,)+ },
                }
            }
        }
    };
}

codes! {
    BadRequest "bad_request" BAD_REQUEST "请求无法理解" "The request makes no sense";
    MalformedJson "malformed_json" BAD_REQUEST "正文不是合法的 JSON" "The body is not valid JSON";
    InvalidUtf8 "invalid_utf8" BAD_REQUEST "正文不是 UTF-8 编码" "The body is not UTF-8";
    UnreadableBody "unreadable_body" BAD_REQUEST "正文没有完整到达" "The body did not arrive whole";
    InvalidBody "invalid_body" UNPROCESSABLE_ENTITY "正文中有不合要求的字段" "The body has fields that do not fit";
    InvalidQuery "invalid_query" BAD_REQUEST "查询参数不合要求" "A query parameter does not fit";
    InvalidPath "invalid_path" BAD_REQUEST "路径中的参数不合要求" "A part of the path does not fit";
    InvalidCursor "invalid_cursor" BAD_REQUEST "翻页游标无效" "The cursor is not one of ours";
    IdempotencyKeyRequired "idempotency_key_required" BAD_REQUEST
        "请附上 Idempotency-Key 请求头" "Send an Idempotency-Key header";
    IdempotencyKeyInvalid "idempotency_key_invalid" BAD_REQUEST
        "Idempotency-Key 格式不符" "The Idempotency-Key does not fit";
    IdempotencyKeyReused "idempotency_key_reused" UNPROCESSABLE_ENTITY
        "该 Idempotency-Key 已用于另一请求" "This Idempotency-Key belongs to another request";
    IdempotencyInProgress "idempotency_in_progress" CONFLICT
        "同一请求仍在处理中" "The same request is still running";
    Unauthorized "unauthorized" UNAUTHORIZED "请先登录" "Sign in first";
    TokenExpired "token_expired" UNAUTHORIZED "登录已过期" "The access token has expired";
    Forbidden "forbidden" FORBIDDEN "没有权限" "This needs a role you do not have";
    NotFound "not_found" NOT_FOUND "没有找到" "Not found";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED
        "该地址不支持此方法" "This address does not take that method";
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "正文过大" "The body is too large";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE
        "不支持的内容类型" "The content type is not taken here";
    RateLimited "rate_limited" TOO_MANY_REQUESTS "请求过于频繁，请稍后再试" "Too many requests, come back later";
    // Signing in and citizens' own things.
    InvalidCode "invalid_code" UNAUTHORIZED
        "验证码不正确或已失效" "The one-time code is wrong, used or expired";
    InvalidRefreshToken "invalid_refresh_token" UNAUTHORIZED
        "登录已失效，请重新登录" "The refresh token is no longer good, sign in again";
    UnknownCity "unknown_city" UNPROCESSABLE_ENTITY "没有这个城市" "No such city here";
    UnknownSource "unknown_source" UNPROCESSABLE_ENTITY "没有这个数据来源" "No such source in your city";
    SubjectTaken "subject_taken" CONFLICT
        "该卡号或表号已被绑定" "This card, meter or account is bound already";
    TooManyBindings "too_many_bindings" CONFLICT "绑定数量已达上限" "You have as many bindings as one may have";
    BoardUnavailable "board_not_available" UNPROCESSABLE_ENTITY
        "该排行榜尚未提供" "This board is not available yet";
    // What partners send.
    TooManyEvents "too_many_events" PAYLOAD_TOO_LARGE "一次发送的事件过多" "Too many events in one call";
    // Offers, redemptions and vouchers.
    InsufficientPoints "insufficient_points" CONFLICT "积分不足" "Not enough points";
    OutOfStock "out_of_stock" CONFLICT "库存不足" "Not enough left in stock";
    LimitReached "limit_reached" CONFLICT "已达每人限兑数量" "The limit per person is reached";
    OfferClosed "offer_closed" CONFLICT "该商品已停止兑换" "The offer has ended";
    OutOfStockToday "out_of_stock_today" CONFLICT "今日库存不足" "Not enough left for today";
    BudgetExhausted "budget_exhausted" CONFLICT "城市预算不足" "The city's budget for it is used up";
    NotEligible "not_eligible" CONFLICT "不符合兑换条件" "The offer is for other citizens";
    OfferNotOpen "offer_not_open" CONFLICT "尚未开始兑换" "The offer is not open yet";
    DonationFinal "donation_final" CONFLICT "捐赠不可撤回" "A donation is not given back";
    OfferOutOfOrder "offer_out_of_order" CONFLICT
        "商品不在此步骤" "The offer is not where this step begins";
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED
        "内容已被他人修改，请重新读取" "It was changed meanwhile, read it again";
    PreconditionRequired "precondition_required" PRECONDITION_REQUIRED
        "请附上 If-Match 请求头" "Send an If-Match header";
    AlreadyCancelled "already_cancelled" CONFLICT "该兑换已取消" "The redemption was cancelled before";
    VoucherNotFound "voucher_not_found" NOT_FOUND
        "本店没有这张券，请核对券码" "No such voucher at this shop, check the code";
    VoucherElsewhere "voucher_elsewhere" NOT_FOUND
        "这张券属于其他商户，本店不能使用" "The voucher is for another shop";
    VoucherUnreadable "voucher_unreadable" UNPROCESSABLE_ENTITY
        "无法识别这个二维码，请重新扫描或输入券码" "This QR code cannot be read, scan again or type the code";
    VoucherForged "voucher_forged" UNPROCESSABLE_ENTITY
        "二维码签名不正确，请勿核销" "The QR code has a wrong signature, do not accept it";
    MerchantStopped "merchant_stopped" CONFLICT
        "本店已被停用，券正在退还给持券人" "The shop is stopped and its vouchers go back to their holders";
    BranchNotFound "branch_not_found" NOT_FOUND "没有这个门店，或门店已关闭" "No such branch, or it is closed";
    ScanAhead "scan_ahead" CONFLICT "扫码时间晚于当前时间，请校准时钟" "Scanned in the future, set the till's clock";
    ScanTooOld "scan_too_old" CONFLICT "扫码时间过久，不能补录" "Scanned too long ago to be taken";
    VoucherUsed "voucher_used" CONFLICT "该券已使用" "The voucher was used before";
    VoucherCancelled "voucher_cancelled" CONFLICT
        "该券已退回" "The voucher was given back";
    VoucherExpired "voucher_expired" CONFLICT "该券已过期" "The voucher has expired";
    VoucherNotUsed "voucher_not_used" CONFLICT "该券未被使用，无需撤销" "The voucher was not used: nothing to void";
    VoidTooLate "void_too_late" CONFLICT "核销时间过久，不能撤销" "The use is too long ago to be voided";
    // The city office and corrections.
    AlreadyReversed "already_reversed" CONFLICT "该行为已冲正" "The activity was reversed before";
    NotCredited "not_credited" CONFLICT "该行为未入账，无可冲正" "The activity was not credited";
    AlreadyDecided "already_decided" CONFLICT "已有人作出决定" "It was decided before";
    SamePerson "same_person" CONFLICT
        "须由提出者以外的人决定" "Someone other than the proposer must decide";
    InsufficientReduction "insufficient_reduction" CONFLICT "减排量不足" "Not enough CO2e on the account";
    // Merchants and their people.
    MerchantOutOfOrder "merchant_out_of_order" CONFLICT
        "商户当前状态不能进行此操作" "The merchant is not where this step begins";
    TooManyApplications "too_many_applications" CONFLICT
        "待审核的申请过多" "You have as many applications as one may have";
    TooManyBranches "too_many_branches" CONFLICT "门店数量已达上限" "As many branches as a merchant may have";
    TooManyStaff "too_many_staff" CONFLICT "员工数量已达上限" "As many people as a merchant may have";
    TooManyWebhooks "too_many_webhooks" CONFLICT "通知地址数量已达上限" "As many webhooks as a merchant may have";
    LastOwner "last_owner" CONFLICT "商户至少要有一位店主" "A merchant is never without an owner";
    // Settling with merchants.
    StatementOutOfOrder "statement_out_of_order" CONFLICT
        "结算单不在此步骤" "The statement is not where this step begins";
    StatementTooLong "statement_too_long" PAYLOAD_TOO_LARGE
        "明细过多，请改用 CSV" "Too many lines for a workbook, ask for CSV";
    Internal "internal" INTERNAL_SERVER_ERROR "服务内部出错" "Something failed on our side";
    Overloaded "overloaded" SERVICE_UNAVAILABLE "服务繁忙，请稍后再试" "Too busy, come back shortly";
    TimedOut "timed_out" GATEWAY_TIMEOUT "处理超时，请重试" "It took too long, try again";
    Unavailable "unavailable" SERVICE_UNAVAILABLE "服务暂不可用" "Not available for the moment";
}

impl Code {
    /// The code for an answer that carries a bare error status, as routers and layers make them.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            413 => Self::BodyTooLarge,
            415 => Self::UnsupportedMediaType,
            429 => Self::RateLimited,
            503 => Self::Unavailable,
            504 => Self::TimedOut,
            400..500 => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_errors_in_both_languages() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'8'));
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(!code.title(Language::Zh).is_ascii() && code.title(Language::En).is_ascii());
        }
    }

    #[test]
    fn bare_statuses_find_a_code_with_that_status() {
        for status in [401, 403, 404, 405, 413, 415, 429, 503, 504, 500] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Code::of_status(status).status(), status);
        }
        assert_eq!(Code::of_status(StatusCode::IM_A_TEAPOT), Code::BadRequest);
    }
}
