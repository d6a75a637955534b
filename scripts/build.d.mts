export function ensureBuilt(options?: { force?: boolean }): void;
export function isDemoBuilt(): boolean;
export function ensureDemoBuilt(): void;
export function copyCatalogs(): void;
