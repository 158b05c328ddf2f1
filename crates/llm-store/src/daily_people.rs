//! Who is behind the tags of the daily rollup: its keys are those of people, as the keys are theirs today.

use crate::daily::{DailyCounters, DailyFilter, DailyScope};
use crate::error::Result;
use crate::filter::contains;
use crate::rows::{UserRow, VerificationToken};
use crate::sql::Sql;
use crate::store::Store;
use crate::table::Table as _;

/// A tag and how many people used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPeople {
    /// The tag.
    pub tag: String,
    /// Different users.
    pub people: i64,
}

impl TagPeople {
    /// Reads the first two columns.
    fn read(row: &crate::Row) -> Result<Self> {
        Ok(Self { tag: row.text(0)?.unwrap_or_default(), people: row.int(1)?.unwrap_or_default() })
    }
}

/// What one person used.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonSum {
    /// The user.
    pub user_id: String,
    /// The user's address.
    pub user_email: Option<String>,
    /// One of the tags.
    pub tag: String,
    /// The sums.
    pub counters: DailyCounters,
}

/// Which tags: any of `entities` of the filter, or those that contain a text.
#[derive(Debug, Clone, Default)]
pub struct TagFilter {
    /// Days, and tags by name.
    pub rows: DailyFilter,
    /// A part of a tag, in any case.
    pub part: Option<String>,
}

impl TagFilter {
    /// Writes the rollup, under the name `d`, with the keys that have users (`outer`: all keys), and the condition. It is summed by
    /// tag and key first (`summed`: its counters too): counting people over each row of each day sorts all of them.
    fn write(&self, (outer, summed): (bool, bool), sql: &mut Sql) {
        sql.push(" FROM (SELECT \"tag\", \"api_key\"");
        for column in DailyCounters::COLUMNS.iter().filter(|_| summed) {
            sql.push(", SUM(").name(column).push(") AS ").name(column);
        }
        sql.push(" FROM ").name(DailyScope::Tag.table());
        self.rows.write(DailyScope::Tag, sql);
        if let Some(part) = &self.part {
            sql.push(" AND ");
            contains(sql, "tag", part);
        }
        sql.push(" GROUP BY 1, 2) AS d ")
            .push(if outer { "LEFT" } else { "INNER" })
            .push(" JOIN ")
            .name(VerificationToken::NAME);
        sql.push(" AS k ON k.\"token\" = d.\"api_key\"").push(if outer {
            ""
        } else {
            " AND k.\"user_id\" IS NOT NULL"
        });
    }
}

impl Store {
    /// How many people used each tag; most first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tag_people(&self, filter: &TagFilter) -> Result<Vec<TagPeople>> {
        let mut sql = Sql::read(self.dialect(), "SELECT COALESCE(d.\"tag\", ''), COUNT(DISTINCT k.\"user_id\")");
        filter.write((false, false), &mut sql);
        sql.push(" GROUP BY 1 ORDER BY 2 DESC, 1");
        let rows = self.fetch(sql).await?;
        rows.iter().map(TagPeople::read).collect()
    }

    /// The sums of each tag with how many people used it; most requests first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tag_sums(&self, filter: &TagFilter) -> Result<Vec<(TagPeople, DailyCounters)>> {
        let mut sql = Sql::read(self.dialect(), "SELECT COALESCE(d.\"tag\", ''), COUNT(DISTINCT k.\"user_id\"), ");
        sql.push(&self.sums());
        filter.write((true, true), &mut sql);
        let requests = self.dialect().sum_int("d.\"api_requests\"");
        sql.push(" GROUP BY 1 ORDER BY ").push(&requests).push(" DESC, 1");
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok((TagPeople::read(row)?, DailyCounters::read(row, 2)?))).collect()
    }

    /// A page of people with what they used, most good requests first, and how many people there are. `page` is the number,
    /// from 1, and the size.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tag_users(&self, filter: &TagFilter, (page, size): (u32, u32)) -> Result<crate::Listing<PersonSum>> {
        let mut sql =
            Sql::read(self.dialect(), "SELECT k.\"user_id\", MAX(u.\"user_email\"), MIN(COALESCE(d.\"tag\", '')), ");
        sql.push(&self.sums());
        filter.write((false, true), &mut sql);
        sql.push(" LEFT JOIN ").name(UserRow::NAME).push(" AS u ON u.\"user_id\" = k.\"user_id\" GROUP BY 1 ORDER BY ");
        sql.push(&self.dialect().sum_int("d.\"successful_requests\"")).push(" DESC, 1 LIMIT ").bind(i64::from(size));
        sql.push(" OFFSET ").bind(i64::from(page.saturating_sub(1)) * i64::from(size));
        let read = |row: &crate::Row| {
            Ok(PersonSum {
                user_id: row.text(0)?.unwrap_or_default(),
                user_email: row.text(1)?,
                tag: row.text(2)?.unwrap_or_default(),
                counters: DailyCounters::read(row, 3)?,
            })
        };
        let rows = self.fetch(sql).await?.iter().map(read).collect::<Result<_>>()?;
        let mut sql = Sql::read(self.dialect(), "SELECT COUNT(DISTINCT k.\"user_id\")");
        filter.write((false, false), &mut sql);
        let total = crate::access::first_int(&self.fetch(sql).await?)?;
        Ok(crate::Listing { rows, total: u64::try_from(total).unwrap_or_default() })
    }

    /// The tags that are used most, user agents and names without a colon; at most `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tags_in_use(&self, most: u32) -> Result<Vec<String>> {
        let mut sql = Sql::read(self.dialect(), "SELECT \"tag\" FROM ");
        sql.name(DailyScope::Tag.table()).push(" WHERE \"tag\" LIKE 'User-Agent:%' OR \"tag\" NOT LIKE '%:%'");
        sql.push(" GROUP BY \"tag\" ORDER BY COUNT(*) DESC, \"tag\" LIMIT ").bind(i64::from(most));
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
    }

    /// The sums of the rollup under the name `d`.
    fn sums(&self) -> String {
        let sums = DailyCounters::sums(self.dialect());
        sums.iter().map(|sum| sum.replacen("SUM(\"", "SUM(d.\"", 1)).collect::<Vec<_>>().join(", ")
    }
}
