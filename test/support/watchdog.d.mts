export function watchdog(): (what: string, seconds: number) => void;
