//! People from a workbook: the template reads back, every fault of every row shows at once, and what is added is what
//! was shown.

use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Backend, Client, Reply, Site};
use question_bank::formats::grid::{self, Cell, Grid};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

keju_tests::on_every_backend!(a_workbook_is_previewed_and_committed_as_shown);

const HEADS: [&str; 5] = ["用户名", "姓名", "身份证号", "单位", "角色"];

fn workbook(rows: &[[&str; 5]]) -> Vec<u8> {
    let rows = rows.iter().map(|row| row.iter().map(|cell| Cell::from(*cell)).collect()).collect();
    Grid { name: "人员".to_owned(), heads: HEADS.map(str::to_owned).to_vec(), rows }.to_xlsx().unwrap_or_default()
}

async fn upload(client: &Client, bytes: &[u8], fields: &[(&str, &str)]) -> Reply {
    let mut form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name("people.xlsx"));
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    client.send(client.request(Method::POST, "/api/v1/people/imports").multipart(form)).await
}

fn errors(row: &Value) -> Vec<&str> {
    row["errors"].as_array().into_iter().flatten().filter_map(|fault| fault["column"].as_str()).collect()
}

async fn a_workbook_is_previewed_and_committed_as_shown(backend: Backend) {
    let site = Site::start_on(backend).await;
    let unit = json!({"units": [{"code": "c", "name": "市", "level": "city"}]});
    assert_eq!(site.admin.put("/units", &unit).await.status, 204);
    let template = site.admin.get("/templates/people.xlsx").await;
    let rows = grid::read(&template.body, 10).unwrap_or_default();
    assert_eq!(rows, [(1, HEADS.map(str::to_owned).to_vec())], "the template is a header to be filled in");

    let file = workbook(&[
        ["new-1", "甲", "11010519491231002x", "c", "学员、单位管理员"],
        ["new-2", "乙", "", "", ""],
        ["new-2", "", "110105194912310021", "nowhere", "皇帝"],
        ["author", "=1+1", "11010519491231002X", "", "author"],
    ]);
    let preview = upload(&site.admin, &file, &[("dry_run", "true")]).await.ok(200);
    assert_eq!(json!([preview["accepted"], preview["refused"]]), json!([2, 2]));
    let shown = preview["rows"].as_array().cloned().unwrap_or_default();
    assert_eq!(
        json!([shown[0]["row"], shown[0]["roles"], shown[0]["id_number"]]),
        json!([2, ["learner", "unit_admin"], "110105********002X"])
    );
    assert_eq!(errors(&shown[2]), HEADS, "all faults of a row at once");
    assert_eq!(errors(&shown[3]), ["用户名", "身份证号"], "taken in the store, and a number of row 2");
    let before = site.admin.get("/people?search=new-").await.ok(200);
    assert_eq!(before["items"], json!([]), "nothing is added by looking");

    let digest = preview["digest"].as_str().unwrap_or_default();
    let _ = upload(&site.admin, &file, &[("dry_run", "false")]).await.problem(400, "invalid");
    let other = workbook(&[["new-1", "甲", "", "c", ""]]);
    let _ = upload(&site.admin, &other, &[("dry_run", "false"), ("digest", digest)]).await.problem(409, "wrong_state");
    let committed = upload(&site.admin, &file, &[("dry_run", "false"), ("digest", digest)]).await;
    assert_eq!((committed.status, committed.header("x-keju-created")), (200, "2"));
    let passwords = grid::read(&committed.body, 10).unwrap_or_default();
    assert_eq!(passwords.len(), 3);
    let (username, password) = (&passwords[1].1[0], &passwords[1].1[2]);
    assert_eq!((username.as_str(), passwords[1].1[1].as_str()), ("new-1", "甲"));
    let new = Client::sign_in(site.server.url(), "new", username, password).await;
    assert_eq!(new.me().await.ok(200)["must_change_password"], true);
    assert_eq!(new.change_password(PASSWORD).await.status, 204);

    // The same once more: what was free is taken by now, and the file is told so before anything happens.
    let _ = upload(&site.admin, &file, &[("dry_run", "false"), ("digest", digest)]).await.problem(409, "wrong_state");
    let again = upload(&site.admin, &file, &[]).await.ok(200);
    assert_eq!(again["accepted"], 0);
    what_is_no_table_is_refused(&site).await;
}

async fn what_is_no_table_is_refused(site: &Site) {
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("no workbook", b"PK\x03\x04 not really".to_vec()),
        ("items", "题型,题干\n单选题,x\n".as_bytes().to_vec()),
        ("a column too many", "用户名,姓名,密码\na,b,c\n".as_bytes().to_vec()),
        ("a header alone", "用户名,姓名\n".as_bytes().to_vec()),
    ] {
        let told = upload(&site.admin, &bytes, &[]).await.problem(400, "invalid");
        assert_eq!(told["errors"][0]["pointer"], "/file", "{what}: {told}");
    }
    let _ = upload(&site.admin, b"x", &[("wish", "x")]).await.problem(400, "invalid");
    let _ = upload(&site.author, b"x", &[]).await.problem(403, "forbidden");
    let csv = "\u{feff}用户名,姓名\n'=csv-1,丁\n".as_bytes();
    let read = upload(&site.admin, csv, &[]).await.ok(200);
    assert_eq!(read["rows"][0]["username"], "=csv-1");
}
