//! Certificates of fulfilled years: one's own, what anybody may know of one by its number, revoking.

use super::attempts::{limited, replayed};
use super::courses::ListView;
use super::extract::{ClientAddress, Id, Json, SignedIn};
use super::hours::{SubjectsView, subjects};
use super::problem::Problem;
use crate::app::App;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use exam_core::certificate::{CertificateNumber, Revocation, Standing, masked_name};
use exam_core::ids::PersonId;
use exam_core::{Timestamp, id_number};
use exam_service::{CertificateView, EngineError};
use fast_qr::{ECL, QRBuilder};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Certificates.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(own, issue))
        .routes(routes!(check))
        .routes(routes!(revoke))
        .routes(routes!(of_person))
}

/// A certificate, as its holder and administrators see it.
#[derive(Serialize, ToSchema)]
pub struct CertificateJson {
    number: String,
    /// `valid revoked superseded hours_short altered`.
    state: &'static str,
    year: i16,
    /// The how manieth for the year.
    issue: u32,
    holder: String,
    /// Masked.
    id_number: Option<String>,
    hours: SubjectsView,
    #[schema(value_type = String, format = DateTime)]
    issued_at: Timestamp,
    revoked: Option<RevokedJson>,
    /// The page where anybody may check it.
    verify_url: String,
    qr: QrJson,
}

/// A revocation.
#[derive(Serialize, ToSchema)]
pub struct RevokedJson {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    reason: String,
    /// Whether another one may be taken out.
    reissue: bool,
    /// Who did it; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// The address of that page as a picture to be scanned.
#[derive(Serialize, ToSchema)]
pub struct QrJson {
    /// Modules a side, without the quiet zone.
    size: usize,
    /// The dark ones, as the `d` of an SVG path in a box of that size.
    path: String,
}

/// A certificate, as anybody may see it who knows its number.
#[derive(Serialize, ToSchema)]
pub struct CheckedJson {
    /// `valid revoked superseded hours_short altered`, or `unknown`. Of the last two nothing else is told.
    state: &'static str,
    #[serde(flatten)]
    told: Option<ToldJson>,
}

/// What is told of it.
#[derive(Serialize, ToSchema)]
pub struct ToldJson {
    number: String,
    year: i16,
    /// Masked.
    holder: String,
    /// Masked.
    id_number: Option<String>,
    hours: SubjectsView,
    #[schema(value_type = String, format = DateTime)]
    issued_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// The signed-in person's certificates, by year and issue.
#[utoipa::path(get, path = "/api/v1/me/certificates", tag = "learner", responses((status = 200, body = ListView<CertificateJson>)))]
async fn own(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    headers: HeaderMap,
) -> Result<axum::Json<ListView<CertificateJson>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let views = app.engine.own_certificates(&identity).await?;
    list(views, &site_address(&app, &headers), false)
}

/// A certificate that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueBody {
    /// Made by the client; a repeat gets the first result.
    command_id: Uuid,
    /// The fulfilled year.
    year: i16,
}

/// Takes out the certificate of a fulfilled year. One that holds is given again.
#[utoipa::path(post, path = "/api/v1/me/certificates", tag = "learner", request_body = IssueBody,
    responses((status = 201, body = CertificateJson), (status = 409, description = "`not_qualified`, `certificate_revoked`"),
        (status = 422, description = "command_id used for another year")))]
async fn issue(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    headers: HeaderMap,
    Json(body): Json<IssueBody>,
) -> Result<Response, Problem> {
    limited(app.rates.request(identity.id()))?;
    let issued = app.engine.issue_certificate(&identity, body.command_id, body.year).await?;
    let json = certificate_json(issued.view, &site_address(&app, &headers), false)?;
    Ok(replayed((StatusCode::CREATED, axum::Json(json)).into_response(), issued.replayed))
}

/// Checks a certificate by its number, without signing in.
#[utoipa::path(get, path = "/api/v1/certificates/{certificate}", tag = "learner", params(("certificate" = String, Path)),
    responses((status = 200, body = CheckedJson), (status = 429)), security(()))]
async fn check(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    number: Result<Path<String>, PathRejection>,
) -> Result<axum::Json<CheckedJson>, Problem> {
    limited(app.rates.check_certificate(address))?;
    let unknown = CheckedJson { state: "unknown", told: None };
    let Some(number) = number.ok().and_then(|Path(number)| CertificateNumber::parse(&number)) else {
        return Ok(axum::Json(unknown));
    };
    match app.engine.check_certificate(number).await {
        Ok(view) => Ok(axum::Json(checked_json(view))),
        Err(EngineError::NotFound) => Ok(axum::Json(unknown)),
        Err(error) => Err(error.into()),
    }
}

/// A revocation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationBody {
    /// Why; the holder sees it.
    reason: String,
    /// Whether the holder may take out another one.
    reissue: bool,
}

/// Revokes a certificate; it stays revoked.
#[utoipa::path(post, path = "/api/v1/certificates/{certificate}/revocation", tag = "administrator",
    params(("certificate" = String, Path)), request_body = RevocationBody,
    responses((status = 200, body = CertificateJson), (status = 404), (status = 409, description = "revoked already")))]
async fn revoke(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    Json(body): Json<RevocationBody>,
) -> Result<axum::Json<CertificateJson>, Problem> {
    limited(app.rates.request(identity.id()))?;
    identity.may(exam_core::access::Act::ManageCertificates)?;
    let number = number.ok().and_then(|Path(number)| CertificateNumber::parse(&number));
    let number = number.ok_or_else(|| Problem::new("not_found"))?;
    let view = app.engine.revoke_certificate(&identity, number, body.reason, body.reissue).await?;
    Ok(axum::Json(certificate_json(view, &site_address(&app, &headers), true)?))
}

/// A person's certificates, by year and issue.
#[utoipa::path(get, path = "/api/v1/people/{person}/certificates", tag = "administrator", params(("person" = String, Path)),
    responses((status = 200, body = ListView<CertificateJson>), (status = 404)))]
async fn of_person(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(person): Id<PersonId>,
    headers: HeaderMap,
) -> Result<axum::Json<ListView<CertificateJson>>, Problem> {
    limited(app.rates.request(identity.id()))?;
    let views = app.engine.certificates_of(&identity, person).await?;
    list(views, &site_address(&app, &headers), true)
}

fn list(
    views: Vec<CertificateView>,
    site: &str,
    names_who: bool,
) -> Result<axum::Json<ListView<CertificateJson>>, Problem> {
    let items = views.into_iter().map(|view| certificate_json(view, site, names_who)).collect::<Result<_, _>>()?;
    Ok(axum::Json(ListView { items, next: None }))
}

/// Where the site is reached: as it is configured, or as this request has reached it.
fn site_address(app: &App, headers: &HeaderMap) -> String {
    if !app.config.public_url.is_empty() {
        return app.config.public_url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{}://{host}", if app.config.secure_cookies { "https" } else { "http" })
}

fn certificate_json(view: CertificateView, site: &str, names_who: bool) -> Result<CertificateJson, Problem> {
    let CertificateView { certificate, standing, revocation } = view;
    let verify_url = format!("{site}/verify/{}", certificate.number);
    Ok(CertificateJson {
        number: certificate.number.to_string(),
        state: state(standing),
        year: certificate.credit_year,
        issue: certificate.issue,
        holder: certificate.holder,
        id_number: certificate.id_number,
        hours: subjects(certificate.hours),
        issued_at: certificate.issued_at,
        revoked: revocation.map(|revocation| revoked_json(revocation, names_who)),
        qr: qr_json(&verify_url)?,
        verify_url,
    })
}

fn revoked_json(revocation: Revocation, names_who: bool) -> RevokedJson {
    let Revocation { at, by, reason, reissue } = revocation;
    RevokedJson { at, reason, reissue, by: names_who.then(|| by.to_string()) }
}

fn checked_json(view: CertificateView) -> CheckedJson {
    let CertificateView { certificate, standing, revocation } = view;
    let told = (standing != Standing::Altered).then(|| ToldJson {
        number: certificate.number.to_string(),
        year: certificate.credit_year,
        holder: masked_name(&certificate.holder),
        // Masked when it was issued; once more, so that no row ever decides what the public sees.
        id_number: certificate.id_number.as_deref().map(id_number::mask),
        hours: subjects(certificate.hours),
        issued_at: certificate.issued_at,
        revoked_at: revocation.map(|revocation| revocation.at),
    });
    CheckedJson { state: state(standing), told }
}

const fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid => "valid",
        Standing::Revoked => "revoked",
        Standing::Superseded => "superseded",
        Standing::HoursShort => "hours_short",
        Standing::Altered => "altered",
    }
}

/// A run of dark modules is one rectangle of the path.
fn qr_json(address: &str) -> Result<QrJson, Problem> {
    let code = QRBuilder::new(address).ecl(ECL::M).build().map_err(|error| {
        tracing::error!(%error, "the address of a certificate's page fits in no code");
        Problem::new("internal")
    })?;
    let mut path = String::new();
    for row in 0..code.size {
        let mut column = 0;
        while column < code.size {
            let run = code[row][column..].iter().take_while(|module| module.value()).count();
            if run > 0 {
                // Writing to a string does not fail.
                let _ = write!(path, "M{column} {row}h{run}v1h-{run}z");
            }
            column += run + 1;
        }
    }
    Ok(QrJson { size: code.size, path })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Whether a module is dark, by the path alone.
    fn is_dark(path: &str, column: usize, row: usize) -> bool {
        path.split('M').skip(1).any(|rectangle| {
            let (x, rest) = rectangle.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (width, _) = rest.split_once('v').unwrap();
            let (x, width): (usize, usize) = (x.parse().unwrap(), width.parse().unwrap());
            y.parse::<usize>().unwrap() == row && (x..x + width).contains(&column)
        })
    }

    #[test]
    fn a_reader_finds_the_address_in_the_code() {
        const SCALE: usize = 4;
        for address in [
            "https://jxjy.example.cn/verify/7K3QX-0M2ZT-9AB4C-D5EF6",
            "http://a.very.long.name.of.a.site.example.gov.cn:8080/verify/00000-00000-00000-00000",
        ] {
            let code = qr_json(address).unwrap();
            let side = (code.size + 8) * SCALE;
            let light = |place: usize| place < 4 || place >= code.size + 4;
            let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
                let (column, row) = (x / SCALE, y / SCALE);
                let dark = !light(column) && !light(row) && is_dark(&code.path, column - 4, row - 4);
                if dark { 0 } else { 255 }
            });
            let grids = image.detect_grids();
            assert_eq!(grids.len(), 1);
            assert_eq!(grids[0].decode().unwrap().1, address);
        }
    }
}
