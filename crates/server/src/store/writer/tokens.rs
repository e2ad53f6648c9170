//! Making and revoking tokens of the admin API. Only their hashes are kept.

use domain::{Rejection, TokenPapel};
use rusqlite::params;

use super::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::error::StoreError;
use crate::store::rows::row;

/// SHA-256 of the text of a token.
pub type TokenHash = [u8; 32];

/// Adds a token; its id. A name is taken while its token is valid.
#[derive(Debug, Clone)]
pub struct CreateToken {
    pub nome: String,
    pub papel: TokenPapel,
    pub hash: TokenHash,
}

impl WriteCommand for CreateToken {
    type Output = i64;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<i64, ApplyError> {
        let taken = "SELECT papel FROM tokens WHERE nome = ?1 AND revogado_em IS NULL";
        if context.find::<TokenNameRow>(taken, [&self.nome])?.is_some() {
            return Err(Rejection::TokenExistente { nome: self.nome.clone() }.into());
        }
        Ok(insert(context, self)?)
    }
}

/// Makes a token the valid one of its name: another of this name is revoked. It changes nothing if
/// it is so already. For the token that has a file, at each start and when it is renewed.
#[derive(Debug, Clone)]
pub struct SetToken(pub CreateToken);

impl WriteCommand for SetToken {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let CreateToken { nome, papel, hash } = &self.0;
        let same = "SELECT nome, papel FROM tokens
                    WHERE nome = ?1 AND papel = ?2 AND hash = ?3 AND revogado_em IS NULL";
        let parameters = params![nome, papel.as_str(), hash];
        if context.find::<ValidTokenRow>(same, parameters)?.is_some() {
            return Ok(());
        }
        revoke(context, "nome = ?2", nome)?;
        insert(context, &self.0)?;
        Ok(())
    }
}

/// Revokes the valid token of a name.
#[derive(Debug, Clone)]
pub struct RevokeToken {
    pub nome: String,
    /// Not if it is the last one of an operator.
    pub keep_last_operator: bool,
}

impl WriteCommand for RevokeToken {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let nome = &self.nome;
        let found = "SELECT papel FROM tokens WHERE nome = ?1 AND revogado_em IS NULL";
        let Some(TokenNameRow { papel }) = context.find(found, [nome])? else {
            return Err(Rejection::TokenInexistente { nome: nome.clone() }.into());
        };
        let others = "SELECT papel FROM tokens
                      WHERE papel = 'operador' AND nome <> ?1 AND revogado_em IS NULL";
        if self.keep_last_operator
            && papel == TokenPapel::Operador.as_str()
            && context.find::<TokenNameRow>(others, [nome])?.is_none()
        {
            return Err(Rejection::UltimoOperador { nome: nome.clone() }.into());
        }
        revoke(context, "nome = ?2", nome)?;
        Ok(())
    }
}

/// Revokes all tokens but the one with this hash; how many.
#[derive(Debug, Clone)]
pub struct RevokeAllTokens {
    pub except: Option<TokenHash>,
}

impl WriteCommand for RevokeAllTokens {
    type Output = usize;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<usize, ApplyError> {
        let except: &[u8] = self.except.as_ref().map_or(&[], |hash| hash);
        Ok(revoke(context, "hash <> ?2", except)?)
    }
}

row! {
    struct TokenNameRow {
        papel: String,
    }
}

row! {
    struct ValidTokenRow {
        nome: String,
        papel: String,
    }
}

fn fields(papel: &str) -> AuditFields {
    audit_fields! {"papel": papel}
}

fn insert(context: &WriteContext<'_>, token: &CreateToken) -> Result<i64, StoreError> {
    let CreateToken { nome, papel, hash } = token;
    context.execute(
        "INSERT INTO tokens (nome, papel, hash, criado_em) VALUES (?1, ?2, ?3, ?4)",
        params![nome, papel.as_str(), hash, context.now.as_millis()],
    )?;
    let id = context.connection.last_insert_rowid();
    context.audit(Action::Create, Target::Token(nome), None, Some(&fields(papel.as_str())))?;
    Ok(id)
}

/// Revokes the valid tokens for which `condition` holds of `parameter`; how many.
fn revoke(
    context: &WriteContext<'_>,
    condition: &str,
    parameter: impl rusqlite::ToSql,
) -> Result<usize, StoreError> {
    let sql = format!(
        "UPDATE tokens SET revogado_em = ?1 WHERE revogado_em IS NULL AND {condition}
         RETURNING nome, papel"
    );
    let mut revoked = context.connection.prepare_cached(&sql)?;
    let rows = revoked
        .query_map(params![context.now.as_millis(), parameter], |row| ValidTokenRow::try_from(row))?
        .collect::<Result<Vec<_>, _>>()?;
    for ValidTokenRow { nome, papel } in &rows {
        context.audit(Action::Revoke, Target::Token(nome), Some(&fields(papel)), None)?;
    }
    Ok(rows.len())
}
