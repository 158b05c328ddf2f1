//! Get, insert, update, delete and list for any table.

use std::marker::PhantomData;

use crate::dialect::Dialect;
use crate::error::Result;
use crate::filter::Filter;
use crate::list::{ListQuery, Listing};
use crate::row::Row;
use crate::sql::Sql;
use crate::table::{Patch, Table};
use crate::transaction::Exec;
use crate::value::Value;

/// The rows of one table, in the store or inside a transaction: [`Store::table`](crate::Store::table).
#[derive(Debug)]
pub struct Rows<'a, T> {
    pub(crate) exec: Exec<'a>,
    table: PhantomData<fn() -> T>,
}

/// `SELECT columns FROM table`.
pub(crate) fn select<T: Table>(dialect: Dialect) -> Sql {
    let mut sql = Sql::read(dialect, "SELECT ");
    sql.names(T::COLUMNS).push(" FROM ").name(T::NAME);
    sql
}

pub(crate) fn read_all<T: Table>(rows: &[Row]) -> Result<Vec<T>> {
    rows.iter().map(T::read).collect()
}

pub(crate) fn first_int(rows: &[Row]) -> Result<i64> {
    Ok(rows.first().map(|row| row.int(0)).transpose()?.flatten().unwrap_or_default())
}

/// `INSERT INTO table (columns) VALUES (...)`, without the columns the database fills.
fn insert<T: Table>(dialect: Dialect, row: &T) -> Sql {
    let cells: Vec<_> =
        T::COLUMNS.iter().zip(row.values()).filter(|(_, value)| !matches!(value, Value::Unset)).collect();
    let columns: Vec<&str> = cells.iter().map(|(column, _)| **column).collect();
    let mut sql = Sql::write(dialect, "INSERT INTO ");
    sql.name(T::NAME).push(" (").names(&columns).push(") VALUES (");
    for (i, (_, value)) in cells.into_iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" }).bind(value);
    }
    sql.push(")");
    sql
}

impl<'a, T: Table> Rows<'a, T> {
    pub(crate) const fn new(exec: Exec<'a>) -> Self {
        Self { exec, table: PhantomData }
    }

    /// Does something once the changes of the transaction last, never when they do not; at once outside of one.
    pub fn then(&mut self, then: impl FnOnce() + Send + Sync + 'static) {
        self.exec.then(Box::new(then));
    }

    fn key(&self, sql: &mut Sql, key: &[&str]) {
        for (i, column) in T::KEY.iter().enumerate() {
            // A key given too short finds nothing, for a NULL equals nothing.
            let value = Value::Text(key.get(i).map(|part| (*part).into()));
            sql.push(if i == 0 { " WHERE " } else { " AND " }).name(column).push(" = ").bind(value);
        }
    }

    /// The row with this key. Tables with a key of several columns want all parts, in the order of [`Table::KEY`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&mut self, key: impl AsRef<[&str]> + Send) -> Result<Option<T>> {
        let mut sql = select::<T>(self.exec.dialect());
        self.key(&mut sql, key.as_ref());
        self.exec.fetch(sql).await?.first().map(T::read).transpose()
    }

    /// The rows whose first key column is one of these, in no order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_many(&mut self, keys: &[String]) -> Result<Vec<T>> {
        let Some(column) = T::KEY.first().filter(|_| !keys.is_empty()) else { return Ok(Vec::new()) };
        let mut sql = select::<T>(self.exec.dialect());
        sql.push(" WHERE ").name(column).is_any_of(keys);
        read_all(&self.exec.fetch(sql).await?)
    }

    /// Stores a new row.
    ///
    /// # Errors
    /// [`Conflict`](crate::StoreError::Conflict) when its key or another unique value exists.
    pub async fn insert(&mut self, row: &T) -> Result<()> {
        let sql = insert(self.exec.dialect(), row);
        self.exec.execute(sql).await.map(drop)
    }

    /// Stores a new row and gives it back as stored, with what the database filled in.
    ///
    /// # Errors
    /// As [`Rows::insert`].
    pub async fn insert_returning(&mut self, row: &T) -> Result<Option<T>> {
        let mut sql = insert(self.exec.dialect(), row);
        sql.push(" RETURNING ").names(T::COLUMNS);
        self.exec.fetch(sql).await?.first().map(T::read).transpose()
    }

    /// Stores a row, replacing the one with the same key.
    ///
    /// # Errors
    /// [`Conflict`](crate::StoreError::Conflict) when another unique value exists.
    pub async fn put(&mut self, row: &T) -> Result<()> {
        let mut sql = insert(self.exec.dialect(), row);
        sql.push(" ON CONFLICT (").names(T::KEY).push(") DO ");
        let mut lead = "UPDATE SET ";
        for column in T::COLUMNS.iter().filter(|column| !T::KEY.contains(column)) {
            sql.push(lead).name(column).push(" = excluded.").name(column);
            lead = ", ";
        }
        if lead != ", " {
            sql.push("NOTHING");
        }
        self.exec.execute(sql).await.map(drop)
    }

    /// Changes some columns of the row with this key; `false` when there is none. `updated_at` follows the database's clock
    /// unless the patch sets it.
    ///
    /// # Errors
    /// [`Conflict`](crate::StoreError::Conflict) when a unique value exists elsewhere.
    pub async fn update(&mut self, key: impl AsRef<[&str]> + Send, patch: &impl Patch<Row = T>) -> Result<bool> {
        let changes = patch.changes();
        let dialect = self.exec.dialect();
        if changes.is_empty() {
            let mut sql = Sql::read(dialect, "SELECT 1 FROM ");
            sql.name(T::NAME);
            self.key(&mut sql, key.as_ref());
            return Ok(!self.exec.fetch(sql).await?.is_empty());
        }
        let mut sql = self.changes(changes);
        self.key(&mut sql, key.as_ref());
        Ok(self.exec.execute(sql).await? > 0)
    }

    /// Changes some columns of every row the filter lets through; how many there were.
    ///
    /// # Errors
    /// As [`Rows::update`].
    pub async fn update_where(&mut self, filter: &Filter, patch: &impl Patch<Row = T>) -> Result<u64> {
        let changes = patch.changes();
        if changes.is_empty() {
            return self.count(filter).await;
        }
        let mut sql = self.changes(changes);
        filter.write::<T>(&mut sql)?;
        self.exec.execute(sql).await
    }

    fn changes(&self, changes: Vec<(&'static str, Value<'_>)>) -> Sql {
        let dialect = self.exec.dialect();
        let mut sql = Sql::write(dialect, "UPDATE ");
        sql.name(T::NAME).push(" SET ");
        let stamp = T::COLUMNS.contains(&"updated_at") && !changes.iter().any(|(column, _)| *column == "updated_at");
        for (i, (column, value)) in changes.into_iter().enumerate() {
            sql.push(if i > 0 { ", " } else { "" }).name(column).push(" = ").bind(value);
        }
        if stamp {
            sql.push(", \"updated_at\" = ").push(dialect.now());
        }
        sql
    }

    /// Deletes the row with this key; `false` when there is none.
    ///
    /// # Errors
    /// When other rows refer to it.
    pub async fn delete(&mut self, key: impl AsRef<[&str]> + Send) -> Result<bool> {
        let mut sql = Sql::write(self.exec.dialect(), "DELETE FROM ");
        sql.name(T::NAME);
        self.key(&mut sql, key.as_ref());
        Ok(self.exec.execute(sql).await? > 0)
    }

    /// Deletes every row the filter lets through; how many there were.
    ///
    /// # Errors
    /// When other rows refer to one of them.
    pub async fn delete_where(&mut self, filter: &Filter) -> Result<u64> {
        let mut sql = Sql::write(self.exec.dialect(), "DELETE FROM ");
        sql.name(T::NAME);
        filter.write::<T>(&mut sql)?;
        self.exec.execute(sql).await
    }

    /// A page of rows, and how many there are in all.
    ///
    /// # Errors
    /// [`Column`](crate::StoreError::Column) when the query names a column the table does not have.
    pub async fn list(&mut self, query: &ListQuery) -> Result<Listing<T>> {
        let rows = self.rows(query).await?;
        let total = if query.size.is_none() { rows.len() as u64 } else { self.count(&query.filter).await? };
        Ok(Listing { rows, total })
    }

    /// The rows of a page, without counting the others.
    ///
    /// # Errors
    /// As [`Rows::list`].
    pub async fn rows(&mut self, query: &ListQuery) -> Result<Vec<T>> {
        let mut sql = select::<T>(self.exec.dialect());
        query.filter.write::<T>(&mut sql)?;
        query.write_order::<T>(&mut sql)?;
        read_all(&self.exec.fetch(sql).await?)
    }

    /// Every row the filter lets through, by key.
    ///
    /// # Errors
    /// As [`Rows::list`].
    pub async fn find(&mut self, filter: Filter) -> Result<Vec<T>> {
        Ok(self.list(&ListQuery::all(filter)).await?.rows)
    }

    /// How many rows the filter lets through.
    ///
    /// # Errors
    /// As [`Rows::list`].
    pub async fn count(&mut self, filter: &Filter) -> Result<u64> {
        let mut sql = Sql::read(self.exec.dialect(), "SELECT COUNT(*) FROM ");
        sql.name(T::NAME);
        filter.write::<T>(&mut sql)?;
        Ok(u64::try_from(first_int(&self.exec.fetch(sql).await?)?).unwrap_or_default())
    }
}
