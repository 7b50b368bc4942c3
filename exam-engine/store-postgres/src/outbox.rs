//! The outbox. A row is claimed by moving its due time, which only one of several claimers finds as it was:
//! no lock is held across shards.

use crate::PostgresStore;
use crate::connect::{Session, read_all, read_first};
use crate::convert::{Time, count, get, int, large, time, time_opt};
use crate::failure::store_error;
use crate::lane::{Trouble, Written};
use async_trait::async_trait;
use exam_core::{PartnerId, PersonId, Timestamp};
use exam_store::{Outbox, OutboxCount, OutboxRow, StoreError};
use tokio_postgres::Row;

/// Appends tellings within the transaction of what they tell, each with the place of its commit.
pub(crate) async fn append(
    session: &Session,
    tellings: Vec<(usize, &OutboxRow)>,
    written: &mut Written,
) -> Result<(), Trouble> {
    // The learner tables have no foreign key to partners.
    let sql = "INSERT INTO outbox (learner, id, partner, body, created_at, attempts, due_at) \
               SELECT $1, $2, $3, $4, $5, $6, $7 WHERE EXISTS (SELECT 1 FROM partners WHERE id = $3)";
    for (place, new) in tellings {
        let (created_at, due_at, attempts) = (Time(new.created_at), Time(new.due_at), int(new.attempts));
        let appended = session
            .execute(sql, &[&new.learner.0, &new.id, &new.partner.0, &new.body, &created_at, &attempts, &due_at])
            .await?;
        if appended == 0 {
            written.fail(place, StoreError::NotFound.into(), true);
        }
    }
    Ok(())
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn claim_due(&self, now: Timestamp, lease_ms: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let find = "SELECT learner, id, partner, body, created_at, attempts, due_at FROM outbox \
                    WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2";
        let until = now.plus_ms(lease_ms);
        let mut claimed = Vec::new();
        loop {
            let wanted = i64::from(limit) - claimed.len() as i64;
            let due = read_all(&self.readers.read(find, &[&Time(now), &wanted]).await?, outbox_row)?;
            if due.is_empty() {
                break;
            }
            claimed.extend(self.claim(due, until).await?);
            if claimed.len() >= limit as usize || until <= now {
                break;
            }
        }
        // Of several rounds each is in order.
        claimed.sort_by_key(|(due, row)| (*due, row.id));
        Ok(claimed.into_iter().map(|(_, row)| row).collect())
    }

    async fn outbox_done(&self, row: &OutboxRow) -> Result<(), StoreError> {
        let transaction = self.writers.begin().await?;
        transaction.rows("DELETE FROM outbox WHERE learner = $1 AND id = $2", &[&row.learner.0, &row.id]).await?;
        transaction.commit().await
    }

    async fn outbox_retry(&self, row: &OutboxRow, at: Option<Timestamp>) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET attempts = $4, due_at = $5 WHERE learner = $1 AND id = $2 AND due_at = $3";
        let (claimed, attempts, at) = (Time(row.due_at), int(row.attempts) + 1, at.map(Time));
        let transaction = self.writers.begin().await?;
        transaction.rows(sql, &[&row.learner.0, &row.id, &claimed, &attempts, &at]).await?;
        transaction.commit().await
    }

    async fn outbox_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM outbox WHERE due_at IS NOT NULL";
        Ok(read_first(&self.readers.read(sql, &[]).await?, |row| time_opt(row, 0))?.flatten())
    }

    async fn outbox_counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        let sql =
            "SELECT partner, count(due_at), count(*) - count(due_at) FROM outbox GROUP BY partner ORDER BY partner";
        let counts = |row: &Row| {
            let partner = PartnerId(get(row, 0)?);
            Ok(OutboxCount { partner, waiting: large(row, 1)?, given_up: large(row, 2)? })
        };
        read_all(&self.readers.read(sql, &[]).await?, counts)
    }
}

impl PostgresStore {
    /// Claims those that nobody else has claimed meanwhile; each with when it was due.
    async fn claim(
        &self,
        mut due: Vec<OutboxRow>,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, OutboxRow)>, StoreError> {
        let sql = "UPDATE outbox SET due_at = $4 WHERE learner = $1 AND id = $2 AND due_at = $3";
        // All claimers in one order, so that they do not wait for each other in a circle.
        due.sort_by_key(|row| (row.learner, row.id));
        let transaction = self.writers.begin().await?;
        let mut claimed = Vec::new();
        for row in due {
            let taken = transaction.execute(sql, &[&row.learner.0, &row.id, &Time(row.due_at), &Time(until)]).await;
            if taken.map_err(|error| store_error(&error))? == 1 {
                claimed.push((row.due_at, OutboxRow { due_at: until, ..row }));
            }
        }
        transaction.commit().await?;
        Ok(claimed)
    }
}

fn outbox_row(row: &Row) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        learner: PersonId(get(row, 0)?),
        id: get(row, 1)?,
        partner: PartnerId(get(row, 2)?),
        body: get(row, 3)?,
        created_at: time(row, 4)?,
        attempts: count(row, 5)?,
        due_at: time(row, 6)?,
    })
}
