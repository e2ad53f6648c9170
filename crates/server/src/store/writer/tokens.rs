//! Making and revoking tokens of the admin API. Only their hashes are kept.

use domain::{Rejection, TokenPapel};
use rusqlite::params;

use super::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::error::StoreError;

/// SHA-256 of the text of a token.
pub type TokenHash = [u8; 32];

/// Adds a token. A name is taken while its token is valid.
#[derive(Debug, Clone)]
pub struct CreateToken {
    pub nome: String,
    pub papel: TokenPapel,
    pub hash: TokenHash,
}

impl WriteCommand for CreateToken {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        if valid_papel(context, &self.nome)?.is_some() {
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
        let same = "SELECT id FROM tokens
                    WHERE nome = ?1 AND papel = ?2 AND hash = ?3 AND revogado_em IS NULL";
        let parameters = params![nome, papel.as_str(), hash];
        if context.find_value::<i64>(same, parameters)?.is_some() {
            return Ok(());
        }
        revoke(context, nome)?;
        Ok(insert(context, &self.0)?)
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
        let Some(papel) = valid_papel(context, nome)? else {
            return Err(Rejection::TokenInexistente { nome: nome.clone() }.into());
        };
        let others = "SELECT id FROM tokens
                      WHERE papel = 'operador' AND nome <> ?1 AND revogado_em IS NULL";
        if self.keep_last_operator
            && papel == TokenPapel::Operador.as_str()
            && context.find_value::<i64>(others, [nome])?.is_none()
        {
            return Err(Rejection::UltimoOperador { nome: nome.clone() }.into());
        }
        Ok(revoke(context, nome)?)
    }
}

/// The role of the valid token of a name.
fn valid_papel(context: &WriteContext<'_>, nome: &str) -> Result<Option<String>, StoreError> {
    context.find_value("SELECT papel FROM tokens WHERE nome = ?1 AND revogado_em IS NULL", [nome])
}

fn fields(papel: &str) -> AuditFields {
    audit_fields! {"papel": papel}
}

fn insert(context: &WriteContext<'_>, token: &CreateToken) -> Result<(), StoreError> {
    let CreateToken { nome, papel, hash } = token;
    context.execute(
        "INSERT INTO tokens (nome, papel, hash, criado_em) VALUES (?1, ?2, ?3, ?4)",
        params![nome, papel.as_str(), hash, context.now.as_millis()],
    )?;
    context.audit(Action::Create, Target::Token(nome), None, Some(&fields(papel.as_str())))
}

/// Revokes the valid token of a name, if there is one.
fn revoke(context: &WriteContext<'_>, nome: &str) -> Result<(), StoreError> {
    let revoked = context.find_values::<String>(
        "UPDATE tokens SET revogado_em = ?1 WHERE revogado_em IS NULL AND nome = ?2
         RETURNING papel",
        params![context.now.as_millis(), nome],
    )?;
    for papel in revoked {
        context.audit(Action::Revoke, Target::Token(nome), Some(&fields(&papel)), None)?;
    }
    Ok(())
}
