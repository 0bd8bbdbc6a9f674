//! Tables partitioned by day: old days are dropped, not deleted row by row.

use sqlx::PgConnection;

/// A table partitioned by day.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    History,
    Derivations,
    Refusals,
}

impl Kept {
    fn table(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Derivations => "derivation",
            Self::Refusals => "refusal",
        }
    }
}

/// Creates partitions for `days` days from `first` on; drops those that end before `keep_from`.
pub(crate) async fn maintain(
    connection: &mut PgConnection,
    kept: Kept,
    first: i64,
    days: i32,
    keep_from: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT queue.maintain_days($1, $2, $3, $4)",
        kept.table(),
        first,
        days,
        keep_from
    )
    .execute(connection)
    .await?;
    Ok(())
}
