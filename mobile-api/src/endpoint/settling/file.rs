//! `GET /v1/merchant/statements/{id}/file`: a statement as CSV, streamed, or as a workbook.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use serde::Deserialize;
use tanhui_domain::city::City;
use tanhui_domain::settlement::MerchantStatement;
use tanhui_domain::text::Language;
use tanhui_service::settlement::{self, SettledLine};
use tanhui_service::{Services, StoreError};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::of_merchant::own;
use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Path, Query};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// Lines read at once.
const PART: i64 = 1_000;
/// Most lines of a workbook: a sheet ends at 1,048,576 rows.
const WORKBOOK_LINES_MAX: i64 = 1_000_000;
const COLUMNS: usize = 7;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Comma-separated, UTF-8 with a mark that spreadsheets look for.
    Csv,
    /// Office Open XML workbook.
    Xlsx,
}

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileParams {
    /// `csv` or `xlsx`.
    #[param(inline)]
    format: FileKind,
}

/// A statement of my merchant as a file, in the city's local time. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/statements/{id}/file", tag = "merchant",
    params(("id" = Uuid, Path, description = "The statement"), FileParams), security(("bearer" = [])),
    responses(
        (status = 200, content_type = "text/csv", body = String),
        (status = 413, description = "`statement_too_long`: more lines than a workbook holds; ask for CSV"),
    ))]
pub async fn statement_file(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Path(id): Path<Uuid>,
    Query(params): Query<FileParams>,
) -> Result<Response, Problem> {
    let statement = own(&state.services, staff.merchant(), id).await?;
    let city = state.services.city(staff.caller().city()).await?;
    let name = format!("tanhui-statement-{}", statement.number);
    let source = Source { services: state.services, statement, city, language: context.language };
    match params.format {
        FileKind::Csv => Ok(download(&name, "csv", "text/csv; charset=utf-8", csv(source))),
        FileKind::Xlsx => {
            let lines = source.statement.last_line.saturating_sub(source.statement.after_line);
            if lines > WORKBOOK_LINES_MAX {
                return Err(Problem::new(Code::StatementTooLong));
            }
            let bytes = workbook(source).await.map_err(Problem::internal)?;
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            Ok(download(&name, "xlsx", kind, Body::from(bytes)))
        }
    }
}

fn download(name: &str, ending: &str, kind: &'static str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response()
}

struct Source {
    services: Arc<Services>,
    statement: MerchantStatement,
    city: City,
    language: Language,
}

impl Source {
    fn header(&self) -> [&'static str; COLUMNS] {
        match self.language {
            Language::Zh => ["序号", "类型", "时间", "券码", "商品", "应付（元）", "累计应付（元）"],
            Language::En => ["number", "kind", "time", "code", "item", "payable_yuan", "payable_after_yuan"],
        }
    }

    fn row(&self, line: SettledLine) -> [String; COLUMNS] {
        let time = line.recorded_at.with_timezone(&self.city.timezone).format("%Y-%m-%d %H:%M:%S");
        let title = line.offer.map(|(title, _)| title.in_language(self.language).to_owned());
        [
            line.number.to_string(),
            line.kind.word().to_owned(),
            time.to_string(),
            line.code.unwrap_or_default(),
            plain(&title.unwrap_or_default()),
            yuan(line.payable.get()),
            yuan(line.payable_after.get()),
        ]
    }

    async fn part(&self, after: Option<i64>) -> Result<Vec<SettledLine>, StoreError> {
        settlement::lines(&self.services, &self.statement, after, PART).await
    }
}

fn csv(source: Source) -> Body {
    let head = format!("\u{feff}{}", record(&source.header()));
    let state = (Some(head), None, source);
    Body::from_stream(stream::try_unfold(state, |(head, after, source)| async move {
        if let Some(head) = head {
            return Ok(Some((Bytes::from(head), (None, after, source))));
        }
        let lines = source.part(after).await?;
        let Some(last) = lines.last().map(|line| line.number) else { return Ok(None) };
        let text: String = lines.into_iter().map(|line| record(&source.row(line))).collect();
        Ok::<_, StoreError>(Some((Bytes::from(text), (None, Some(last), source))))
    }))
}

/// One line of RFC 4180.
fn record(fields: &[impl AsRef<str>]) -> String {
    let quoted = |field: &str| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.to_owned()
        }
    };
    let fields: Vec<String> = fields.iter().map(|field| quoted(field.as_ref())).collect();
    format!("{}\r\n", fields.join(","))
}

/// A text that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// Fen as yuan with two decimals.
fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen.checked_div(100).unwrap_or(0), fen.checked_rem(100).unwrap_or(0))
}

#[derive(Debug, thiserror::Error)]
enum WorkbookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Xlsx(#[from] XlsxError),
}

async fn workbook(source: Source) -> Result<Vec<u8>, WorkbookError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name(format!("{}", source.statement.number))?;
    write_row(sheet, 0, &source.header(), &Format::new().set_bold())?;
    let (mut row, mut after) = (1_u32, None);
    loop {
        let lines = source.part(after).await?;
        let Some(last) = lines.last() else { break };
        after = Some(last.number);
        for line in lines {
            write_row(sheet, row, &source.row(line), &Format::new())?;
            row = row.saturating_add(1);
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// All cells are text: a code that looks like a number keeps its zeros, and an amount its two decimals.
fn write_row(
    sheet: &mut Worksheet,
    row: u32,
    fields: &[impl AsRef<str>],
    format: &Format,
) -> Result<(), XlsxError> {
    for (column, field) in (0_u16..).zip(fields) {
        sheet.write_string_with_format(row, column, field.as_ref(), format)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fen_become_yuan_without_a_float() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (100, "1.00"), (123_456, "1234.56")] {
            assert_eq!(yuan(fen), text);
        }
        assert_eq!(yuan(i64::MIN), "-92233720368547758.08");
    }

    #[test]
    fn fields_are_quoted_where_needed_and_no_title_is_a_formula() {
        assert_eq!(record(&["a", "b,c", "d\"e", "f\ng"]), "a,\"b,c\",\"d\"\"e\",\"f\ng\"\r\n");
        for text in ["=1+1", "+1", "-1", "@x", "\tx"] {
            assert_eq!(plain(text), format!("'{text}"));
        }
        assert_eq!(plain("咖啡"), "咖啡");
    }
}
