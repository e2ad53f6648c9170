// What somebody reads about a failure.
import { PageError } from "./actions.js";
import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

/**
 * The sentence of the API, if it gave one.
 * @param {unknown} error @param {boolean} isOfCommand What failed would have changed something.
 */
function messageOf(error, isOfCommand) {
  if (error instanceof PageError) return { text: text(error.key), isPortuguese: false };
  if (!(error instanceof ApiError)) return { text: text("error.page"), isPortuguese: false };
  // The sentences of the API tell programs what to call, and what to send.
  if (isOfCommand && error.status === 504 && error.requestId) return { text: text("error.undecided"), isPortuguese: false };
  if (error.status === 401) return { text: text("token.refused"), isPortuguese: false };
  if (error.mensagem) return { text: error.mensagem, isPortuguese: true };
  return { text: text(error.status === 0 ? "error.network" : "error.unknown"), isPortuguese: false };
}

/** A paragraph with {@link messageOf}. @param {unknown} error */
export function messageParagraph(error, properties = {}, isOfCommand = false) {
  const message = messageOf(error, isOfCommand);
  // What the API says is Portuguese, whatever the language of the page.
  return element("p", { ...properties, text: message.text, lang: message.isPortuguese ? "pt-BR" : null });
}
