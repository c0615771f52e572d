// The demo wallet as an extension would inject it: window.ethereum, and an EIP-6963 announcement. It holds no key and asks
// nobody itself: whatever a page wants goes to the demo, which asks the person who holds the phone.
(() => {
  const listeners = {};
  const provider = {
    isDemo: true,
    async request({ method, params }) {
      const response = await fetch("/.demo/wallet", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ method, params: params ?? [] }),
      });
      const { result, error } = await response.json();
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on(event, listener) { (listeners[event] ??= []).push(listener); },
    removeListener(event, listener) { listeners[event] = (listeners[event] ?? []).filter((l) => l !== listener); },
  };
  const changes = new EventSource("/.demo/changes");
  changes.addEventListener("account", (event) => (listeners.accountsChanged ?? []).forEach((tell) => tell([event.data])));
  const icon = "data:image/svg+xml," + encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#c8792b"/><path d="M8 12h16v10H8zM8 12l12-4v4" fill="none" stroke="#fff" stroke-width="2" stroke-linejoin="round"/><circle cx="20" cy="17" r="1.6" fill="#fff"/></svg>');
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", {
    detail: Object.freeze({ info: Object.freeze({ uuid: "b1a7de00-0000-4000-8000-00000000de30", name: "Demo wallet", icon, rdns: "org.belay.demo" }), provider }),
  }));
  window.ethereum = provider;
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
