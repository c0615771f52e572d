// A wallet as browsers inject it: window.ethereum, and an EIP-6963 announcement. Whatever it is asked goes to the test, which
// signs with a real key.
(() => {
  const listeners = {};
  window.__emit = (event) => (listeners[event] ?? []).forEach((f) => f());
  const provider = {
    async request({ method, params }) {
      const { result, error } = await window.walletAsks({ method, params: params ?? [] });
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on(event, listener) { (listeners[event] ??= []).push(listener); },
  };
  const icon = "data:image/svg+xml," + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="#7a5cff"/></svg>');
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", {
    detail: Object.freeze({ info: Object.freeze({ uuid: "7c1f7c1e-0000-4000-8000-000000000001", name: "Test Wallet", icon, rdns: "test.belay" }), provider }),
  }));
  window.ethereum = provider;
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
