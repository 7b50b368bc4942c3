//! Stories that have to hold on every back end.

/// Tells each of these stories on SQLite and on PostgreSQL; each takes the [`super::Backend`].
#[macro_export]
macro_rules! on_every_backend {
    ($($story:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story($crate::kit::Backend::Sqlite).await;
                }
            )+
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story($crate::kit::Backend::Postgres).await;
                }
            )+
        }
    };
}
