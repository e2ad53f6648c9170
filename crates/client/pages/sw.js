// The server puts the path of the assets, `static/{hash}`, in place of the name between the quotes.
const ASSETS = "ASSETS_PATH";
self.addEventListener("install", () => self.skipWaiting());
