// Reserves a posto by its page, as a driver does.

/** Returns where the reserva is known: its servidor and `request_id`. */
export async function reserve(driver, posto, { placa, remember } = {}) {
  await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
  const form = driver.page.locator("form#reserve");
  await form.locator("[name=placa]").fill(placa);
  if (remember !== undefined) await form.locator("[name=remember]").setChecked(remember);
  await form.locator("[type=submit]").click();
  await driver.page.waitForURL(/\/reserva\?/);
  await driver.page.locator("article#reserva[data-status=ativa]").waitFor();
  const query = new URL(driver.page.url()).searchParams;
  return { serverId: query.get("server_id"), requestId: query.get("request_id") };
}
