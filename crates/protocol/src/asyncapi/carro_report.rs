//! What a carro reports, as the document has it.

use std::borrow::Cow;
use std::marker::PhantomData;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::{Component, FieldDocument, Fields, ServerId};

/// A message of a carro, which may say for which servidor it is. [`Address`](crate::Address) reads that
/// of all messages. It is no field of the message itself, because a field of the carro's own that is
/// named alike (`serverId`) would then be refused as a misspelling, and the whole message with it.
pub(super) struct CarroReport<T>(PhantomData<T>);

fn server_id() -> Vec<FieldDocument> {
    let description = "O servidor a que se dirige; se não vier, em um tópico que não o nomeia, todos os \
                       que conhecem o carro.";
    let mut documents = Vec::new();
    Option::<ServerId>::document("server_id", description.to_owned(), &mut documents);
    documents
}

impl<T: PartialSchema> PartialSchema for CarroReport<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.properties.extend(FieldDocument::object(server_id()).build().properties);
        }
        schema
    }
}

impl<T: ToSchema> ToSchema for CarroReport<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<Component>) {
        T::schemas(schemas);
        schemas.extend(server_id().into_iter().filter_map(FieldDocument::into_component));
    }
}
