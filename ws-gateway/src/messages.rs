//! The catalogue of texts that people read: Chinese first, English beside it.

use axum::http::{HeaderMap, header};
pub use question_bank::formats::Language;

/// The language a client asks for; Chinese unless English comes first in `Accept-Language`.
#[must_use]
pub fn language(headers: &HeaderMap) -> Language {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = wanted.split(',').next().unwrap_or_default().trim();
    if first.len() >= 2 && first.as_bytes()[..2].eq_ignore_ascii_case(b"en") {
        Language::English
    } else {
        Language::Chinese
    }
}

macro_rules! catalogue {
    ($($code:literal => $status:literal, $zh:literal, $en:literal;)*) => {
        /// Every problem code with its HTTP status.
        pub const PROBLEMS: &[(&str, u16)] = &[$(($code, $status)),*];

        /// The title of a problem.
        #[must_use]
        pub fn title(code: &str, language: Language) -> &'static str {
            match (code, language) {
                $(($code, Language::Chinese) => $zh, ($code, Language::English) => $en,)*
                (_, Language::Chinese) => "出错了",
                (_, Language::English) => "Something went wrong",
            }
        }
    };
}

catalogue! {
    "invalid" => 400, "请求内容有误", "The request is not valid";
    "unauthenticated" => 401, "请先登录", "Sign in first";
    "wrong_credentials" => 401, "用户名或密码不正确", "Wrong username or password";
    "forbidden" => 403, "您没有此项权限", "You may not do this";
    "password_change_required" => 403, "请先修改初始密码", "Change the first password before anything else";
    "foreign_origin" => 403, "请求来源不被允许", "The request comes from another site";
    "not_found" => 404, "没有找到", "Not found";
    "method_not_allowed" => 405, "不支持的请求方法", "This method is not supported here";
    "timeout" => 408, "请求传输超时", "The request took too long to arrive";
    "attempt_closed" => 409, "本次作答已结束", "The attempt is closed";
    "attempt_paused" => 409, "监考人员已暂停本次作答", "A proctor has paused the attempt";
    "deadline_passed" => 409, "作答时间已结束", "The time is over";
    "attempts_exhausted" => 409, "作答次数已用完", "All attempts are used";
    "attempt_open" => 409, "您有一次尚未结束的作答", "An attempt is still open";
    "practice_required" => 409, "请先完成练习", "Finish a practice first";
    "practice_off" => 409, "本考试不提供练习", "This exam offers no practice";
    "window_closed" => 409, "当前不在考试开放时间内", "The exam is not open now";
    "cooldown" => 409, "请稍后再开始下一次作答", "Wait before the next attempt";
    "challenge_closed" => 409, "该题已作答或已失效", "The challenge is answered or another one is open";
    "challenge_lapsed" => 409, "作答超时，请回答新题", "The challenge was not answered in time, a fresh one follows";
    "study_taken" => 409, "已在其他窗口或设备继续学习", "A newer session has taken over";
    "not_qualified" => 409, "该学年的学时尚未达标", "The hours of that year are not complete";
    "certificate_revoked" => 409, "该学年的证书已被撤销", "The certificate of that year was revoked";
    "too_many_changes" => 409, "修改次数已达上限", "The attempt holds as many changes as it may";
    "taken" => 409, "名称已被占用", "The name is taken";
    "wrong_state" => 409, "当前状态不允许此操作", "The state does not allow this";
    "too_large" => 413, "内容过大", "The content is too large";
    "unsupported_media_type" => 415, "请使用 application/json", "Use application/json";
    "idempotency_mismatch" => 422, "同一 command_id 已用于不同内容", "The command_id was used with another content";
    "infeasible" => 422, "题库无法满足组卷蓝图", "The bank cannot fill the blueprint";
    "rate_limited" => 429, "操作过于频繁，请稍后再试", "Too many requests: wait a little";
    "queued" => 429, "正在排队，请稍候", "You are in the queue";
    "internal" => 500, "服务器内部错误", "Internal error";
    "overloaded" => 503, "服务器繁忙，请稍后再试", "The service is busy: try again shortly";
    "unavailable" => 503, "存储暂不可用，请稍后再试", "The storage is unavailable: try again shortly";
    "storage_full" => 507, "存储空间已满", "The storage is full";
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn english_only_when_it_is_asked_for_first() {
        let mut headers = HeaderMap::new();
        assert_eq!(language(&headers), Language::Chinese);
        for (value, expected) in
            [("en-GB,zh;q=0.5", Language::English), ("zh-CN,en", Language::Chinese), ("e", Language::Chinese)]
        {
            headers.insert(header::ACCEPT_LANGUAGE, value.parse().unwrap());
            assert_eq!(language(&headers), expected, "{value}");
        }
    }
}
