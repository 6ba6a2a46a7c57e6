import {
  type Behaviour,
  type Behaviours,
  fieldsOf,
  later,
  mapAt,
  namesWhere,
  recordsAt,
  text,
  timeOf,
} from "../behaviour.ts";
import { copyValue, type Value } from "../state.ts";

const hotels = "hotels/hotel_list";
const restaurants = "restaurants/restaurant_list";
const cars = "car_rental/company_list";

/** Fills the one reservation that there is. */
const reserve =
  (
    kind: string,
    title: string,
    times: (args: Readonly<Record<string, Value>>) => { readonly start: string; readonly end: string },
  ): Behaviour =>
  (state, args) => {
    const { start, end } = times(args);
    Object.assign(mapAt(state, "reservation"), {
      reservation_type: kind,
      title: args[title] ?? "",
      start_time: start,
      end_time: end,
      contact_information: mapAt(state, "user").phone_number ?? "",
    });
    return `The ${kind} ${text(args[title])} is reserved from ${start} to ${end}.`;
  };

/** Hotels, restaurants, cars and flights, and one reservation. */
export const travel: Behaviours = {
  get_user_information: (state) => ({ ...mapAt(state, "user") }),
  get_all_hotels_in_city: namesWhere(hotels, "city", "city"),
  get_hotels_prices: fieldsOf(hotels, "hotel_names", ["price_min", "price_max"]),
  get_rating_reviews_for_hotels: fieldsOf(hotels, "hotel_names", ["rating", "reviews"]),
  get_hotels_address: fieldsOf(hotels, "hotel_name", ["address"]),
  get_all_restaurants_in_city: namesWhere(restaurants, "city", "city"),
  get_cuisine_type_for_restaurants: fieldsOf(restaurants, "restaurant_names", ["cuisine_type"]),
  get_restaurants_address: fieldsOf(restaurants, "restaurant_names", ["address"]),
  get_rating_reviews_for_restaurants: fieldsOf(restaurants, "restaurant_names", ["rating", "reviews"]),
  get_dietary_restrictions_for_all_restaurants: fieldsOf(restaurants, "restaurant_names", ["dietary_restrictions"]),
  get_contact_information_for_restaurants: fieldsOf(restaurants, "restaurant_names", ["contact_information"]),
  get_price_for_restaurants: fieldsOf(restaurants, "restaurant_names", ["price_per_person"]),
  check_restaurant_opening_hours: fieldsOf(restaurants, "restaurant_names", ["operating_hours"]),
  get_all_car_rental_companies_in_city: namesWhere(cars, "city", "city"),
  get_car_types_available: fieldsOf(cars, "company_name", ["car_types_available"]),
  get_rating_reviews_for_car_rental: fieldsOf(cars, "company_name", ["rating", "reviews"]),
  get_car_fuel_options: fieldsOf(cars, "company_name", ["fuel_options"]),
  get_car_rental_address: fieldsOf(cars, "company_name", ["address"]),
  get_car_price_per_day: fieldsOf(cars, "company_name", ["price_per_day"]),
  get_flight_information: (state, { departure_city, arrival_city }) =>
    copyValue(
      recordsAt(state, "flights/flight_list").filter(
        (flight) => flight.departure_city === departure_city && flight.arrival_city === arrival_city,
      ),
    ),
  reserve_hotel: reserve("hotel", "hotel", ({ start_day, end_day }) => ({
    start: timeOf(start_day),
    end: timeOf(end_day),
  })),
  reserve_restaurant: reserve("restaurant", "restaurant", ({ start_time }) => ({
    start: timeOf(start_time),
    end: later(timeOf(start_time), 2),
  })),
  reserve_car_rental: reserve("car", "company", ({ start_time, end_time }) => ({
    start: timeOf(start_time),
    end: timeOf(end_time),
  })),
};
