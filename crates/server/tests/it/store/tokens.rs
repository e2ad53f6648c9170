//! The tokens of the admin API, and what the audit has of them.

use domain::{Rejection, TokenPapel};
use server::store::{CreateToken, RevokeToken, SetToken};

use crate::support::TestStore;

fn token(nome: &str, papel: TokenPapel, hash: u8) -> CreateToken {
    CreateToken { nome: nome.to_owned(), papel, hash: [hash; 32] }
}

#[tokio::test]
async fn tokens_are_made_replaced_and_revoked() {
    use TokenPapel::{Leitura, Operador};
    let store = TestStore::new(0).await;
    let valid = async || {
        let tokens = store.store.tokens().await.expect("the tokens");
        tokens.into_iter().map(|token| (token.nome, token.papel, token.hash[0])).collect::<Vec<_>>()
    };
    let named = |nome: &str, papel, hash| (nome.to_owned(), papel, hash);
    let initial = SetToken(token("inicial", Operador, 1));
    let (_, rows) = store.audited(initial.clone()).await;
    assert_eq!(rows, [r#"criar token/inicial - {"papel":"operador"}"#]);
    assert!(store.audited(initial).await.1.is_empty(), "it is so already");
    let (outcome, rows) = store.audited(token("painel", Leitura, 2)).await;
    assert_eq!((outcome.is_ok(), rows.len()), (true, 1));
    let taken = store.audited(token("painel", Operador, 3)).await.0;
    assert_eq!(taken, Err(Rejection::TokenExistente { nome: "painel".to_owned() }.into()));
    let renewed = SetToken(token("inicial", Operador, 4));
    let (_, rows) = store.audited(renewed).await;
    assert_eq!(
        rows,
        [
            r#"revogar token/inicial {"papel":"operador"} -"#,
            r#"criar token/inicial - {"papel":"operador"}"#
        ]
    );
    assert_eq!(valid().await, [named("inicial", Operador, 4), named("painel", Leitura, 2)]);

    let revoke =
        |nome: &str, keep_last_operator| RevokeToken { nome: nome.to_owned(), keep_last_operator };
    let last = store.audited(revoke("inicial", true)).await.0;
    assert_eq!(last, Err(Rejection::UltimoOperador { nome: "inicial".to_owned() }.into()));
    store.audited(token("bia", Operador, 5)).await.0.expect("another operator");
    let (outcome, rows) = store.audited(revoke("inicial", true)).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(rows, [r#"revogar token/inicial {"papel":"operador"} -"#]);
    let again = store.audited(revoke("inicial", true)).await.0;
    assert_eq!(again, Err(Rejection::TokenInexistente { nome: "inicial".to_owned() }.into()));
    store.audited(token("inicial", Operador, 1)).await.0.expect("the name is free again");
}
