export { pages } from './pages';
export type { PageFrame, PageName, PagesOptions } from './pages.options';
export type { PageTexts } from './texts';
