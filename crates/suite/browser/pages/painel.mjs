// Opens the operator's page and its views, as an operator does.
export const VIEWS = ["agora", "hoje", "numeros", "auditoria", "arquivos", "tokens"];

/** Gives the page a token, which it has asked for. */
export async function signIn({ page }, token) {
  await page.locator("dialog#sign-in[open]").waitFor();
  await page.locator("#token").fill(token);
  await page.locator("#sign-in-form [type=submit]").click();
}

/** Opens the page of `server1` with a token, and waits until it shows what is now. */
export async function openPainel(operator, token, view = "agora") {
  await operator.open(`painel#${view}`);
  await signIn(operator, token);
  await operator.page.locator("dialog#sign-in").waitFor({ state: "hidden" });
  await operator.page.locator("#live[data-live=yes]").waitFor({ state: "attached" });
}

/** Goes to a view by its link. */
export async function goTo({ page }, view) {
  await page.locator(`#views a[href$="#${view}"]`).click();
  await page.locator(`#view-${view}`).waitFor();
}

export const card = ({ page }, posto) => page.locator(`li.posto[data-posto-id="${posto.id}"]`);
